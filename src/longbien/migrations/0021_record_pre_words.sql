-- Full text (docs/why/indexes.md): the folded words of a resource's narrative (_text), and of all its text (_content) where a setting
-- wants that. A resource without any has no row.
CREATE TABLE narrative (rid bigint PRIMARY KEY, words tsvector NOT NULL) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE content   (rid bigint PRIMARY KEY, words tsvector NOT NULL) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX narrative_words ON narrative USING gin (words) WITH (fastupdate = on, gin_pending_list_limit = 1024);
CREATE INDEX content_words   ON content   USING gin (words) WITH (fastupdate = on, gin_pending_list_limit = 1024);

-- Words come as one text each, with spaces between. touched: whose rows are made anew.
CREATE FUNCTION record_words(touched bigint[], texts bigint[], text_words text[], contents bigint[], content_words text[])
  RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(touched) > 0 THEN
    DELETE FROM narrative WHERE rid = ANY(touched);
    DELETE FROM content WHERE rid = ANY(touched);
  END IF;
  IF cardinality(texts) > 0 THEN
    INSERT INTO narrative SELECT n.rid, array_to_tsvector(string_to_array(n.words, ' ')) FROM unnest(texts, text_words) AS n(rid, words);
  END IF;
  IF cardinality(contents) > 0 THEN
    INSERT INTO content SELECT n.rid, array_to_tsvector(string_to_array(n.words, ' ')) FROM unnest(contents, content_words) AS n(rid, words);
  END IF;
END $$;

-- The same for a pass, in the transaction of record_reindex; writes what differs only.
CREATE FUNCTION record_reindex_words(rids bigint[], vers int[], texts bigint[], text_words text[], contents bigint[], content_words text[])
  RETURNS void LANGUAGE plpgsql AS $$
DECLARE touched bigint[];
BEGIN
  SELECT array_agg(h.rid) INTO touched FROM head h JOIN unnest(rids, vers) AS f(rid, ver) ON f.rid = h.rid AND f.ver = h.ver;
  DELETE FROM narrative WHERE rid = ANY(touched) AND NOT rid = ANY(texts);
  DELETE FROM content WHERE rid = ANY(touched) AND NOT rid = ANY(contents);
  INSERT INTO narrative SELECT n.rid, array_to_tsvector(string_to_array(n.words, ' ')) FROM unnest(texts, text_words) AS n(rid, words)
    WHERE n.rid = ANY(touched) ON CONFLICT (rid) DO UPDATE SET words = excluded.words WHERE narrative.words <> excluded.words;
  INSERT INTO content SELECT n.rid, array_to_tsvector(string_to_array(n.words, ' ')) FROM unnest(contents, content_words) AS n(rid, words)
    WHERE n.rid = ANY(touched) ON CONFLICT (rid) DO UPDATE SET words = excluded.words WHERE content.words <> excluded.words;
END $$;

-- Which of '_text' and '_content' are wanted (a setting, which the background work brings here); what is newly wanted needs a pass over
-- every type. Gives whether that was a change.
CREATE FUNCTION search_want(names text[], types smallint[]) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM search_state FOR UPDATE;
  UPDATE search_part SET wanted = name = ANY(names), ready = false WHERE name LIKE '\_%' AND wanted <> (name = ANY(names));
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM search_changed(types);
  RETURN true;
END $$;

-- What an older version did not keep is complete where there is nothing yet; else every type (R4 has 146) is gone over again.
INSERT INTO search_part (name, wanted, ready)
  SELECT name, wanted, wanted AND NOT EXISTS (SELECT FROM head)
  FROM (VALUES ('Location.near', true), ('_text', true), ('_content', false)) p(name, wanted);
SELECT search_changed((SELECT array_agg(t::smallint) FROM generate_series(1, 146) t)) WHERE EXISTS (SELECT FROM head);

GRANT SELECT, INSERT, UPDATE, DELETE ON narrative, content TO {app};
