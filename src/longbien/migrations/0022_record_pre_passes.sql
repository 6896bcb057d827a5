-- One order of locks (search_state, then passes by type), so that a definition that comes while a pass ends never waits in a circle.

CREATE OR REPLACE FUNCTION reindex_ask(types smallint[], at_stamp bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reindex (type, stamp) SELECT DISTINCT t, at_stamp FROM unnest(types) t ORDER BY t
  ON CONFLICT (type) DO UPDATE SET stamp = excluded.stamp, floor = NULL, dlo = NULL, rid = NULL, done = 0, changed = 0, asked = now(),
                                   moved = NULL, finished = NULL;
  UPDATE job SET run_at = now() WHERE queue = 'record.reindex' AND leased IS NULL;
  PERFORM pg_notify('longbien_job', 'record.reindex');
END $$;

CREATE OR REPLACE FUNCTION reindex_done(of_type smallint, at_stamp bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM search_state FOR UPDATE;
  UPDATE reindex SET finished = now(), moved = now() WHERE type = of_type AND stamp = at_stamp AND finished IS NULL;
  IF NOT FOUND THEN RETURN; END IF;                       -- asked for anew meanwhile, or ended by another worker
  UPDATE search_parameter SET ready = true WHERE type = of_type AND stamp <= at_stamp;
  UPDATE search_part p SET ready = true WHERE p.wanted AND NOT p.ready
    AND NOT EXISTS (SELECT FROM reindex r WHERE r.finished IS NULL AND (p.name LIKE '\_%' OR p.name = 'Location.near' AND r.type = 71));
  UPDATE search_state SET readied = readied + 1;
  PERFORM pg_notify('longbien_live', '0 SearchParameter - 0');
END $$;
