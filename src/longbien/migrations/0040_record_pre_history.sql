-- History of a type and of the whole record, newest first: each version says of which type it is, and the log is in order by time.
-- What that costs of disk and time: docs/why/storage.md.

ALTER TABLE ver ADD COLUMN type smallint;
ALTER TABLE ver DISABLE TRIGGER ver_append_only;
UPDATE ver v SET type = h.type FROM head h WHERE h.rid = v.rid;
ALTER TABLE ver ENABLE TRIGGER ver_append_only;

-- record_commit says it, in whichever form it stands here: a look at head costs a microsecond, the trigger below seven.
GRANT INSERT (type) ON ver TO {app};
DO $do$
DECLARE
  plain constant text := 'INSERT INTO ver (rid, upd, ver, op, body) SELECT * FROM unnest(vers)';
  typed constant text := 'INSERT INTO ver (rid, upd, ver, op, body, type) '
                      || 'SELECT v.*, (SELECT h.type FROM head h WHERE h.rid = v.rid) FROM unnest(vers) v';
BEGIN
  EXECUTE (SELECT replace(pg_get_functiondef(p.oid), plain, typed) FROM pg_proc p WHERE p.proname = 'record_commit');
END $do$;

-- Whoever else writes a version need not say its type.
CREATE FUNCTION ver_type() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT h.type INTO NEW.type FROM head h WHERE h.rid = NEW.rid;
  RETURN NEW;
END $$;
CREATE TRIGGER ver_type BEFORE INSERT ON ver FOR EACH ROW WHEN (NEW.type IS NULL) EXECUTE FUNCTION ver_type();

-- Many versions of one commit share their moment, so the keys are short and repeat: rid and ver are sorted within a moment only.
DROP INDEX ver_upd;
CREATE INDEX ver_upd ON ver (upd);
CREATE INDEX ver_type_upd ON ver (type, upd);
