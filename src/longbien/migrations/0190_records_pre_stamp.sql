-- Archive time stamps: a paper's file is stamped again before the last stamp's certificate runs out. Safe while old code runs: a table of
-- its own, and one more word that a step may say.
ALTER TABLE paper_step DROP CONSTRAINT paper_step_what_check;
ALTER TABLE paper_step ADD CONSTRAINT paper_step_what_check CHECK (what IN ('prepared', 'signed', 'stamped', 'replaced', 'withdrawn'));
CREATE TABLE paper_stamp (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code   text NOT NULL REFERENCES paper,
  until  timestamptz NOT NULL,                                   -- when the certificate of its time stamp service runs out
  at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX paper_stamp_code ON paper_stamp (code, number DESC);
CREATE TRIGGER paper_stamp_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON paper_stamp EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON paper_stamp TO {app};
