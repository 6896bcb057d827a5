-- The doctor's own shortcuts: phrases and templates of notes, and how often which diagnosis and drug was written. About no patient, so no
-- part of the record. Safe while old code runs: tables of its own.

CREATE TABLE clinic_phrase (
  number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account      int NOT NULL REFERENCES account,
  organization text NOT NULL DEFAULT '',                          -- where it may be shared
  kind         text NOT NULL CHECK (kind IN ('phrase', 'template')),
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  field        text NOT NULL DEFAULT '',                          -- where a phrase is offered; "" everywhere
  content      text NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 16384),
  shared       bool NOT NULL DEFAULT false,
  at           timestamptz NOT NULL DEFAULT now(),
  UNIQUE (account, kind, name)
);
CREATE INDEX clinic_phrase_shared ON clinic_phrase (organization) WHERE shared;

CREATE TABLE clinic_use (
  account int NOT NULL REFERENCES account,
  kind    text NOT NULL CHECK (kind IN ('dx', 'drug')),
  code    text NOT NULL CHECK (length(code) BETWEEN 1 AND 60),
  uses    int NOT NULL DEFAULT 1,
  last    timestamptz NOT NULL DEFAULT now(),
  content text NOT NULL DEFAULT '' CHECK (octet_length(content) <= 4096),   -- of a drug: how this account wrote it last
  PRIMARY KEY (account, kind, code)
) WITH (fillfactor = 80);

GRANT SELECT, INSERT, UPDATE, DELETE ON clinic_phrase TO {app};
GRANT SELECT, INSERT, UPDATE ON clinic_use TO {app};
