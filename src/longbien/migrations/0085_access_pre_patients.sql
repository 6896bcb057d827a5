-- Patients and those who care for them come in at the same door. A patient's account names its Patient; a carer's reaches a patient by
-- a grant that rests on a resource of that patient's record (a RelatedPerson, a Consent): when that goes, the grant holds no more.
-- Safe while old code runs: a column more, tables of their own.

ALTER TABLE account ADD patient text;                            -- id of the Patient whose own account this is
CREATE UNIQUE INDEX account_patient ON account (patient) WHERE patient IS NOT NULL;
GRANT UPDATE (patient) ON account TO {app};

-- Never changed: an early end is a row of its own, as for stated purposes.
CREATE TABLE carer_grant (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account int NOT NULL REFERENCES account,
  pat     bigint NOT NULL,
  patient text NOT NULL,                                         -- id of the Patient
  basis   bigint NOT NULL,                                       -- rid of the RelatedPerson or Consent that it rests on
  begins  timestamptz NOT NULL DEFAULT now(),
  until   timestamptz NOT NULL,                                  -- a child's coming of age, the end of a consent
  made_by int NOT NULL                                           -- account.number, 0 the system
);
CREATE INDEX carer_grant_open ON carer_grant (account, pat, until);
CREATE TABLE carer_end (
  number  bigint PRIMARY KEY REFERENCES carer_grant,
  at      timestamptz NOT NULL DEFAULT now(),
  made_by int NOT NULL
);
CREATE TRIGGER carer_grant_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON carer_grant EXECUTE FUNCTION append_only();
CREATE TRIGGER carer_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON carer_end EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON carer_grant, carer_end TO {app};
