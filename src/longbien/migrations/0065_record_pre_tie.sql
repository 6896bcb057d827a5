-- Who has to do with a patient by name, in which department or place, and what work waits (record/ties.py). It narrows what `care` opens,
-- and answers whether two people had to do with each other at all.
CREATE TABLE tie (
  pat bigint NOT NULL,
  who bigint NOT NULL,                   -- key64 of 'Practitioner/<id>', 'Organization/<id>', 'Location/<id>', 'work/laboratory' ...
  lo  timestamptz NOT NULL,
  hi  timestamptz NOT NULL,
  rid bigint NOT NULL                    -- the resource that says so
) WITH (autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX tie_pat ON tie (pat, who, hi);
CREATE INDEX tie_r   ON tie (rid);

CREATE FUNCTION record_ties(touched bigint[], ties tie[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(touched) > 0 THEN DELETE FROM tie WHERE rid = ANY(touched); END IF;
  IF cardinality(ties) > 0 THEN INSERT INTO tie SELECT * FROM unnest(ties); END IF;
END $$;

-- The same for what lies there already, where it is still the version that was read.
CREATE FUNCTION record_reindex_ties(rids bigint[], vers int[], ties tie[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE touched bigint[];
BEGIN
  SELECT array_agg(h.rid) INTO touched FROM head h JOIN unnest(rids, vers) AS f(rid, ver) ON f.rid = h.rid AND f.ver = h.ver;
  DELETE FROM tie s WHERE s.rid = ANY(touched)
    AND NOT EXISTS (SELECT FROM unnest(ties) AS n WHERE (n.rid, n.who, n.pat, n.lo, n.hi) = (s.rid, s.who, s.pat, s.lo, s.hi));
  INSERT INTO tie SELECT n.* FROM unnest(ties) AS n WHERE n.rid = ANY(touched)
    EXCEPT SELECT t.* FROM tie t WHERE t.rid = ANY(touched);
END $$;

GRANT SELECT, INSERT, DELETE ON tie TO {app};
SELECT reindex_ask(t.types, (SELECT stamp FROM search_state))
FROM (SELECT array_agg(DISTINCT h.type) AS types FROM head h) t WHERE t.types IS NOT NULL;
