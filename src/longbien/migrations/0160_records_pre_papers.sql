-- Legal papers: keys that sign them, the codes that stand on them, what was printed, and how far a record has come. Truth stays in the
-- record (Composition, DocumentReference, Binary, Provenance); what stands here is asked where nobody is signed in, or in the middle
-- of a write. Only ever added to. Safe while old code runs: tables of its own.

-- A key that signs: a person's, a facility's seal, or the training authority's own. The private half is sealed (access/sealed.py) with
-- `name`, or elsewhere (a signing service). A certificate is never changed: it ends, and another begins.
CREATE TABLE signing_key (
  number      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  kind        text NOT NULL CHECK (kind IN ('person', 'organisation', 'training')),
  source      text NOT NULL CHECK (source IN ('training', 'imported', 'service')),
  account     int REFERENCES account,                            -- of a person's
  org         text,                                              -- id of the facility whose seal it is
  certificate bytea NOT NULL,                                    -- DER
  chain       bytea[] NOT NULL DEFAULT '{}',                     -- DER, towards the root
  sealed      bytea,                                             -- PKCS#8, sealed; null: held by a service
  service     jsonb,                                             -- where, and which credential
  made        timestamptz NOT NULL DEFAULT now(),
  made_by     int NOT NULL
);
CREATE UNIQUE INDEX signing_key_training ON signing_key (kind) WHERE kind = 'training';
CREATE INDEX signing_key_account ON signing_key (account) WHERE account IS NOT NULL;
CREATE INDEX signing_key_org ON signing_key (org) WHERE org IS NOT NULL;
CREATE TABLE signing_key_end (
  number  int PRIMARY KEY REFERENCES signing_key,
  at      timestamptz NOT NULL DEFAULT now(),
  made_by int NOT NULL,
  why     text NOT NULL
);

-- What a printed code may tell to anybody: which kind of paper, whose facility, when; never whose record.
CREATE TABLE paper (
  code        text PRIMARY KEY,
  document    text NOT NULL UNIQUE,                              -- id of the DocumentReference
  kind        text NOT NULL,
  facility    text NOT NULL,
  dated       date NOT NULL,
  made        timestamptz NOT NULL DEFAULT now()
);
-- Every file that bore the code, by what happened: prepared, signed (by whom, for which party), replaced, withdrawn.
CREATE TABLE paper_step (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code   text NOT NULL REFERENCES paper,
  what   text NOT NULL CHECK (what IN ('prepared', 'signed', 'replaced', 'withdrawn')),
  party  text,
  signer text,                                                   -- staff or facility; of a patient nothing
  level  text,                                                   -- PAdES-B-B, PAdES-B-T, PAdES-B-LT
  sha256 text NOT NULL,
  at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX paper_step_code ON paper_step (code, number);
CREATE TABLE paper_copy (
  code    text NOT NULL REFERENCES paper,
  number  int NOT NULL,
  sha256  text NOT NULL,
  account int NOT NULL REFERENCES account,
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (code, number)
);

-- A patient's one-time code for one document, as it was then.
CREATE TABLE paper_token (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  document text NOT NULL,
  sha256   text NOT NULL,
  account  int NOT NULL REFERENCES account,                      -- the patient's own account that was shown the code
  hash     bytea NOT NULL,
  tries    smallint NOT NULL DEFAULT 0,
  until    timestamptz NOT NULL,
  used     timestamptz
);
CREATE INDEX paper_token_document ON paper_token (document, number);

-- How far the record of a visit has come, once it is more than active. Asked by every write about a visit.
CREATE TABLE record_state (
  number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  encounter bigint NOT NULL,                                     -- key64('Encounter/<id>')
  state     text NOT NULL CHECK (state IN ('closed', 'archived', 'destroyed')),
  at        timestamptz NOT NULL DEFAULT now(),
  UNIQUE (encounter, state)
);

CREATE TRIGGER signing_key_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_key EXECUTE FUNCTION append_only();
CREATE TRIGGER signing_key_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_key_end EXECUTE FUNCTION append_only();
CREATE TRIGGER paper_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON paper EXECUTE FUNCTION append_only();
CREATE TRIGGER paper_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON paper_step EXECUTE FUNCTION append_only();
CREATE TRIGGER paper_copy_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON paper_copy EXECUTE FUNCTION append_only();
CREATE TRIGGER record_state_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record_state EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON signing_key, signing_key_end, paper, paper_step, paper_copy, record_state TO {app};
GRANT SELECT, INSERT, UPDATE ON paper_token TO {app};
