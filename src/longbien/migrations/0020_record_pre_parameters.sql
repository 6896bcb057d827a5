-- Search parameters of this house's own, and the passes that index over again what is there already.
-- docs/why/indexes.md says how writers, searches and passes keep out of each other's way.

-- One row. stamp: counts changes to what is indexed; a commit says which one its index rows were made with and is refused when that is not
-- the newest. readied: counts what became complete; only searches look at it. It begins somewhere, so that two houses never share one.
CREATE TABLE search_state (
  one     bool PRIMARY KEY DEFAULT true CHECK (one),
  stamp   bigint NOT NULL DEFAULT (random() * 1e12)::bigint,
  readied bigint NOT NULL DEFAULT 0
);
INSERT INTO search_state DEFAULT VALUES;

-- A stored SearchParameter that is active, once for each type that it is for. generation: in its keys, so that what an earlier definition
-- has left behind is never found. ready: every resource of the type is indexed by it.
CREATE SEQUENCE search_generation AS int;
CREATE TABLE search_parameter (
  type       smallint NOT NULL,
  code       text COLLATE "C" NOT NULL,
  id         text COLLATE "C" NOT NULL,         -- SearchParameter/id
  kind       text NOT NULL,
  expression text NOT NULL,
  targets    text[] NOT NULL,
  components jsonb NOT NULL,                    -- [[[code, expression] ...], kind of the second or null]
  url        text NOT NULL,
  generation int NOT NULL DEFAULT nextval('search_generation'),
  stamp      bigint NOT NULL,                   -- writers index by it from this stamp on
  ready      bool NOT NULL DEFAULT false,
  PRIMARY KEY (type, code)
);
CREATE INDEX search_parameter_id ON search_parameter (id);

-- What this version of the code indexes and an earlier one did not, or what a setting turns on: 'Location.near' (71 is Location's number;
-- a test holds it), '_text', '_content'.
CREATE TABLE search_part (
  name   text COLLATE "C" PRIMARY KEY,
  wanted bool NOT NULL,
  ready  bool NOT NULL
);

-- A pass over all resources of a type. Its place is (dlo, rid) in head_dt, newest first: what is written meanwhile is indexed anew by its
-- writer, so rows that move in that order cannot be missed. floor: begins once every transaction before it has ended.
CREATE TABLE reindex (
  type     smallint PRIMARY KEY,
  stamp    bigint NOT NULL,
  floor    bigint,
  dlo      timestamptz,
  rid      bigint,
  done     bigint NOT NULL DEFAULT 0,
  changed  bigint NOT NULL DEFAULT 0,
  total    bigint NOT NULL DEFAULT 0,           -- resources when it began, counted up to five million
  asked    timestamptz NOT NULL DEFAULT now(),
  moved    timestamptz,
  finished timestamptz
);

CREATE FUNCTION reindex_ask(types smallint[], at_stamp bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reindex (type, stamp) SELECT t, at_stamp FROM unnest(types) t
  ON CONFLICT (type) DO UPDATE SET stamp = excluded.stamp, floor = NULL, dlo = NULL, rid = NULL, done = 0, changed = 0, asked = now(),
                                   moved = NULL, finished = NULL;
  UPDATE job SET run_at = now() WHERE queue = 'record.reindex' AND leased IS NULL;
  PERFORM pg_notify('longbien_job', 'record.reindex');
END $$;

-- What follows a change of what is indexed: writers must read it, processes are told, the passes are asked for.
CREATE FUNCTION search_changed(types smallint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE fresh bigint;
BEGIN
  UPDATE search_state SET stamp = stamp + 1 RETURNING stamp INTO fresh;
  PERFORM pg_notify('longbien_live', '0 SearchParameter - 0');
  IF cardinality(types) > 0 THEN PERFORM reindex_ask(types, fresh); END IF;
  RETURN fresh;
END $$;

-- In the commit's own statement, after record_commit has taken its number: who read an older stamp than this sees has a number below
-- the pass's floor, so the pass waits for it.
CREATE FUNCTION record_indexed(used bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT stamp FROM search_state) <> used THEN
    RAISE EXCEPTION 'what can be searched by has changed' USING ERRCODE = 'LB410';
  END IF;
END $$;

-- Stored SearchParameters take effect: `gone` lose theirs, `fresh` get one. fresh: [{type, code, id, kind, expression, targets, components, url}]
CREATE FUNCTION record_parameters(used bigint, gone text[], fresh jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE now_at bigint; types smallint[];
BEGIN
  SELECT stamp INTO now_at FROM search_state FOR UPDATE;
  IF now_at <> used THEN
    RAISE EXCEPTION 'what can be searched by has changed' USING ERRCODE = 'LB410';
  END IF;
  SELECT array_agg(DISTINCT (f->>'type')::smallint) INTO types FROM jsonb_array_elements(fresh) f;
  now_at := search_changed(coalesce(types, '{}'));
  DELETE FROM search_parameter WHERE id = ANY(gone);
  INSERT INTO search_parameter (type, code, id, kind, expression, targets, components, url, stamp)
    SELECT (f->>'type')::smallint, f->>'code', f->>'id', f->>'kind', f->>'expression',
           ARRAY(SELECT jsonb_array_elements_text(f->'targets')), f->'components', f->>'url', now_at
    FROM jsonb_array_elements(fresh) f;
END $$;

-- Index rows made anew from the bodies of these versions, where they are still the newest. Writes what differs only; gives how many
-- heads that were.
CREATE FUNCTION record_reindex(fresh head[], strs str[], dates ix_date[], qtys ix_qty[], codes code2[], cares care[])
  RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE touched bigint[]; heads bigint := 0;
BEGIN
  SELECT array_agg(x.rid) INTO touched FROM (
    SELECT h.rid FROM head h JOIN unnest(fresh) f ON f.rid = h.rid AND f.ver = h.ver AND NOT h.deleted ORDER BY h.rid FOR UPDATE OF h) x;
  IF cardinality(touched) > 0 THEN
    UPDATE head h SET pat = f.pat, code = f.code, dlo = f.dlo, dhi = f.dhi, val = f.val, terms = f.terms FROM unnest(fresh) f
      WHERE h.rid = f.rid AND h.rid = ANY(touched) AND (h.pat, h.code, h.dlo, h.dhi, h.val, h.terms)
            IS DISTINCT FROM (f.pat, f.code, f.dlo, f.dhi, f.val, f.terms);
    GET DIAGNOSTICS heads = ROW_COUNT;
    DELETE FROM str s WHERE s.rid = ANY(touched)
      AND NOT EXISTS (SELECT FROM unnest(strs) n WHERE (n.rid, n.p, n.norm) = (s.rid, s.p, s.norm));
    INSERT INTO str SELECT * FROM unnest(strs) n WHERE n.rid = ANY(touched) EXCEPT SELECT * FROM str WHERE rid = ANY(touched);
    DELETE FROM ix_date s WHERE s.rid = ANY(touched)
      AND NOT EXISTS (SELECT FROM unnest(dates) n WHERE (n.rid, n.p, n.lo, n.hi) = (s.rid, s.p, s.lo, s.hi));
    INSERT INTO ix_date SELECT * FROM unnest(dates) n WHERE n.rid = ANY(touched) EXCEPT SELECT * FROM ix_date WHERE rid = ANY(touched);
    DELETE FROM ix_qty s WHERE s.rid = ANY(touched)
      AND NOT EXISTS (SELECT FROM unnest(qtys) n WHERE (n.rid, n.p, n.unit, n.val) = (s.rid, s.p, s.unit, s.val));
    INSERT INTO ix_qty SELECT * FROM unnest(qtys) n WHERE n.rid = ANY(touched) EXCEPT SELECT * FROM ix_qty WHERE rid = ANY(touched);
    DELETE FROM code2 s WHERE s.rid = ANY(touched) AND NOT EXISTS (SELECT FROM unnest(codes) n
      WHERE (n.rid, n.code, n.dlo) = (s.rid, s.code, s.dlo) AND (n.pat, n.val) IS NOT DISTINCT FROM (s.pat, s.val));
    INSERT INTO code2 SELECT * FROM unnest(codes) n WHERE n.rid = ANY(touched) EXCEPT SELECT * FROM code2 WHERE rid = ANY(touched);
    DELETE FROM care s WHERE s.rid = ANY(touched)
      AND NOT EXISTS (SELECT FROM unnest(cares) n WHERE (n.rid, n.pat, n.org, n.lo, n.hi) = (s.rid, s.pat, s.org, s.lo, s.hi));
    INSERT INTO care SELECT * FROM unnest(cares) n WHERE n.rid = ANY(touched) EXCEPT SELECT * FROM care WHERE rid = ANY(touched);
  END IF;
  RETURN heads;
END $$;

-- The same for table ref (0050), in the same transaction: the rows are locked already.
CREATE FUNCTION record_reindex_refs(rids bigint[], vers int[], by bigint[], ps int[], types smallint[], ids text[])
  RETURNS void LANGUAGE plpgsql AS $$
DECLARE touched bigint[];
BEGIN
  SELECT array_agg(h.rid) INTO touched FROM head h JOIN unnest(rids, vers) AS f(rid, ver) ON f.rid = h.rid AND f.ver = h.ver;
  DELETE FROM ref s WHERE s.rid = ANY(touched) AND NOT EXISTS (
    SELECT FROM unnest(by, ps, types, ids) AS n(rid, p, type, id) WHERE (n.rid, n.p, n.type, n.id) = (s.rid, s.p, s.type, s.id));
  INSERT INTO ref SELECT * FROM unnest(by, ps, types, ids) AS n(rid, p, type, id) WHERE n.rid = ANY(touched)
    EXCEPT SELECT rid, p, type, id FROM ref WHERE rid = ANY(touched);
END $$;

-- A pass has come to its end: what waited for it is complete.
CREATE FUNCTION reindex_done(of_type smallint, at_stamp bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE reindex SET finished = now(), moved = now() WHERE type = of_type AND stamp = at_stamp;
  IF NOT FOUND THEN RETURN; END IF;                       -- asked for anew meanwhile
  UPDATE search_parameter SET ready = true WHERE type = of_type AND stamp <= at_stamp;
  UPDATE search_part p SET ready = true WHERE p.wanted AND NOT p.ready
    AND NOT EXISTS (SELECT FROM reindex r WHERE r.finished IS NULL AND (p.name LIKE '\_%' OR p.name = 'Location.near' AND r.type = 71));
  UPDATE search_state SET readied = readied + 1;
  PERFORM pg_notify('longbien_live', '0 SearchParameter - 0');
END $$;

GRANT SELECT ON search_state, search_parameter, search_part, reindex TO {app};
GRANT UPDATE ON search_state, search_part TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON search_parameter, reindex TO {app};
GRANT USAGE ON SEQUENCE search_generation TO {app};
