-- When somebody last opened a chart, whichever section of it: for the list of what one opened lately. What was looked at (table looked,
-- "since you last looked") begins with the overview alone, where the news stands. Safe while old code runs: it writes looked only.
CREATE TABLE opened (
  account int NOT NULL REFERENCES account,
  pat     bigint NOT NULL,
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, pat)
) WITH (fillfactor = 80);
INSERT INTO opened (account, pat, at) SELECT account, pat, at FROM looked;
GRANT SELECT, INSERT, UPDATE, DELETE ON opened TO {app};
