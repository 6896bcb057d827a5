-- What the trail looks like by day and person, and what in it asks for a word. Read models of the trail (access/anomalies.py makes them, a
-- day at a time); what reviewers say about it is no read model and is never changed.

CREATE TABLE account_day (
  day      date NOT NULL,
  account  int NOT NULL,
  role     text NOT NULL,
  org      bigint,
  patients int NOT NULL,                  -- whose record was opened
  items    bigint NOT NULL,
  searches int NOT NULL,                  -- for people in the whole city
  exports  int NOT NULL,
  PRIMARY KEY (account, day)
);
CREATE INDEX account_day_role ON account_day (role, day);

CREATE TABLE anomaly (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  day     date NOT NULL,
  account int NOT NULL,
  org     bigint,                         -- where the account works: who reviews it
  pat     bigint,                         -- null: about the whole day
  at      timestamptz NOT NULL,           -- the first of its lines
  items   bigint NOT NULL,
  weight  smallint NOT NULL,
  reasons jsonb NOT NULL,                 -- {code: {facts}}, codes of access.anomaly_words
  UNIQUE NULLS NOT DISTINCT (day, account, pat)
);
CREATE INDEX anomaly_org ON anomaly (org, day DESC, weight DESC);

CREATE TABLE anomaly_review (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  anomaly bigint NOT NULL REFERENCES anomaly,
  at      timestamptz NOT NULL DEFAULT now(),
  account int NOT NULL REFERENCES account,
  state   text NOT NULL CHECK (state IN ('open', 'explained', 'reported')),
  words   text NOT NULL CHECK (length(words) BETWEEN 3 AND 1000)
);
CREATE INDEX anomaly_review_anomaly ON anomaly_review (anomaly, number DESC);
CREATE TRIGGER anomaly_review_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON anomaly_review EXECUTE FUNCTION append_only();

GRANT SELECT, INSERT, UPDATE, DELETE ON account_day TO {app};
GRANT SELECT, INSERT, UPDATE (at, items, weight, reasons) ON anomaly TO {app};
GRANT SELECT, INSERT ON anomaly_review TO {app};
