-- A statement that somebody put in by hand is believed when a second person has looked at it too: one alone could write one that pays
-- any bill, and the day would still agree.
ALTER TABLE bank_delivery ADD CONSTRAINT bank_delivery_maker UNIQUE (number, made_by);
CREATE TABLE bank_delivery_release (
  delivery bigint PRIMARY KEY,
  made_by  int NOT NULL,
  by       int NOT NULL REFERENCES account,
  taken    boolean NOT NULL,                                     -- false: it is not believed, and never read
  at       timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (delivery, made_by) REFERENCES bank_delivery (number, made_by),
  CONSTRAINT second_person CHECK (by <> made_by)
);
CREATE TRIGGER bank_delivery_release_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_delivery_release EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON bank_delivery_release TO {app};
CREATE VIEW bank_delivery_believed AS
  SELECT d.* FROM bank_delivery d
  WHERE d.way <> 'file' OR EXISTS (SELECT 1 FROM bank_delivery_release r WHERE r.delivery = d.number AND r.taken);
GRANT SELECT ON bank_delivery_believed TO {app};
