-- Patients of whom something special was ever said: a consent, a wall, a restriction. Of all others, nearly everybody, care alone
-- decides about ordinary rows, and that is asked in a third of the time (access/rows.py, Ordered.surely). Never taken back: who is in
-- here is asked about whole.
CREATE TABLE watched (pat bigint PRIMARY KEY);
CREATE FUNCTION access_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO watched VALUES (NEW.pat) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER consent_now_watch AFTER INSERT OR UPDATE ON consent_now FOR EACH ROW EXECUTE FUNCTION access_watch();
CREATE TRIGGER wall_watch AFTER INSERT OR UPDATE ON wall FOR EACH ROW EXECUTE FUNCTION access_watch();
CREATE TRIGGER restriction_watch AFTER INSERT ON restriction FOR EACH ROW EXECUTE FUNCTION access_watch();
GRANT SELECT, INSERT ON watched TO {app};
INSERT INTO watched SELECT pat FROM consent_now UNION SELECT pat FROM wall UNION SELECT pat FROM restriction ON CONFLICT DO NOTHING;
