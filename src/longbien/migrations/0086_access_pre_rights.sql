-- What patients ask by law, beyond the requests themselves (those are Tasks of the record): records that are closed at their patient's
-- wish, and copies of a whole record to be fetched once. Safe while old code runs: tables of its own.

-- A restriction closes one record at the patient's wish, or instead of erasing it while retention runs. Never changed: an end is a row.
CREATE TABLE restriction (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pat     bigint NOT NULL,
  patient text NOT NULL,                                         -- id of the Patient
  task    text NOT NULL,                                         -- id of the Task that asked for it
  reason  text NOT NULL CHECK (length(reason) BETWEEN 5 AND 2000),
  begins  timestamptz NOT NULL DEFAULT now(),
  made_by int NOT NULL                                           -- account.number
);
CREATE INDEX restriction_pat ON restriction (pat);
CREATE TABLE restriction_end (
  number  bigint PRIMARY KEY REFERENCES restriction,
  at      timestamptz NOT NULL DEFAULT now(),
  reason  text NOT NULL CHECK (length(reason) BETWEEN 5 AND 2000),
  made_by int NOT NULL
);
CREATE TRIGGER restriction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON restriction EXECUTE FUNCTION append_only();
CREATE TRIGGER restriction_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON restriction_end EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON restriction, restriction_end TO {app};

-- A copy of one's whole record: made in the background, fetched once, then forgotten. Its file lies in the data folder, enciphered with a
-- key that only the link holds.
CREATE TABLE record_copy (
  id       text PRIMARY KEY,
  account  int NOT NULL REFERENCES account,                      -- who asked, and alone may fetch it
  patient  text NOT NULL,
  state    text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'fetched', 'failed', 'gone')),
  language text NOT NULL,
  size     bigint,
  counted  int,                                                  -- resources in it
  error    text,
  made     timestamptz NOT NULL DEFAULT now(),
  ready    timestamptz,
  fetched  timestamptz
);
CREATE INDEX record_copy_account ON record_copy (account, made);
GRANT SELECT, INSERT, UPDATE (state, size, counted, error, ready, fetched) ON record_copy TO {app};
