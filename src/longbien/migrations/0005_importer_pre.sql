-- How far each imported file has come, so that an import that was cut off goes on where it was.
CREATE TABLE import_source (
  fingerprint text PRIMARY KEY,                 -- of the file's name, size and first and last bytes
  path        text NOT NULL,
  done        bigint NOT NULL DEFAULT 0,        -- units finished with none open before them
  accepted    bigint NOT NULL DEFAULT 0,
  unchanged   bigint NOT NULL DEFAULT 0,
  rejected    bigint NOT NULL DEFAULT 0,
  started     timestamptz NOT NULL DEFAULT now(),
  finished    timestamptz
);
GRANT SELECT, INSERT, UPDATE ON import_source TO {app};

-- After a bulk load the planner needs to see what is there at once; the application's role owns no table, so it asks the owner.
CREATE FUNCTION record_analyze() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  ANALYZE head; ANALYZE str; ANALYZE ix_date; ANALYZE ix_qty; ANALYZE code2; ANALYZE care;
END $$;
REVOKE ALL ON FUNCTION record_analyze() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_analyze() TO {app};
