-- References as rows, so that a search can follow them both ways inside one statement however long the chain (record/search/links.py).
-- A reference to the patient of the row's own record has no row: head.pat says it (search/slots.by_pat).
CREATE TABLE ref (
  rid  bigint NOT NULL,                  -- who points
  p    int NOT NULL,                     -- the parameter: key of 'Type.param'
  type smallint NOT NULL,                -- the type pointed to; 0: a canonical url
  id   text COLLATE "C" NOT NULL         -- its id; the url without its version
) WITH (autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX ref_to ON ref (p, type, id);
CREATE INDEX ref_r  ON ref (rid, p);

-- The vocabulary: the text behind the key of a code or of a display, once for all resources. Orders searches sorted by a code and answers
-- `:text`. Written before the resource that first uses a word, so it may hold more than is used, never less.
CREATE TABLE word (
  key  bigint PRIMARY KEY,
  p    int NOT NULL,                     -- key of 'Type.param' for codes, of 'Type.param~text' for displays
  norm text COLLATE "C" NOT NULL
);
CREATE INDEX word_p ON word (p, norm);

CREATE FUNCTION record_refs(touched bigint[], refs ref[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(touched) > 0 THEN DELETE FROM ref WHERE rid = ANY(touched); END IF;
  IF cardinality(refs) > 0 THEN INSERT INTO ref SELECT * FROM unnest(refs); END IF;
END $$;

CREATE OR REPLACE FUNCTION record_analyze() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  ANALYZE head; ANALYZE str; ANALYZE ix_date; ANALYZE ix_qty; ANALYZE code2; ANALYZE care; ANALYZE ref; ANALYZE word;
END $$;

GRANT SELECT, INSERT, DELETE ON ref TO {app};
GRANT SELECT, INSERT ON word TO {app};
