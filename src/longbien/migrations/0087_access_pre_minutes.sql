-- Minutes of a destruction: which records' terms have ended, who proposes it, who else agrees. Only ever added to. Carrying it out is not
-- done by any function yet (docs/why/destruction.md). Safe while old code runs: tables of its own.
CREATE TABLE destruction (
  number  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org     text NOT NULL,                                         -- id of the facility
  made    timestamptz NOT NULL DEFAULT now(),
  made_by int NOT NULL REFERENCES account,
  records jsonb NOT NULL,                                        -- [{encounter, patient, kind, ended, until}]
  hash    text NOT NULL                                          -- sha256 of the list, as it stands on the minutes
);
CREATE TABLE destruction_sign (
  number  int NOT NULL REFERENCES destruction,
  account int NOT NULL REFERENCES account,
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (number, account)
);
CREATE TRIGGER destruction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON destruction EXECUTE FUNCTION append_only();
CREATE TRIGGER destruction_sign_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON destruction_sign EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON destruction, destruction_sign TO {app};
