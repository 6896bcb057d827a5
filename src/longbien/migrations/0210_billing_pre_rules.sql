-- Rules of the insurance asked before signing: how often each spoke, and whether the order was signed all the same. No patient stands
-- here: `about` and `visit` are one-way keys that only join what was said with what was signed. Safe while old code runs: a table of its own.

CREATE TABLE rule_told (
  rule     text NOT NULL,
  facility bigint NOT NULL,                                      -- key of the Organization, 0 where none is known
  day      date NOT NULL,                                        -- of Hanoi's clock
  about    bigint NOT NULL,                                      -- key of patient, visit and what was ordered
  level    text NOT NULL CHECK (level IN ('stop', 'warn', 'note')),
  visit    bigint NOT NULL DEFAULT 0,                            -- key of the visit, 0 where none is open
  signed   bool,                                                 -- signed all the same; NULL while the visit goes on
  at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (rule, facility, day, about)
);
CREATE INDEX rule_told_visit ON rule_told (visit) WHERE signed IS NULL;
CREATE INDEX rule_told_day ON rule_told (facility, day);

GRANT SELECT, INSERT, UPDATE ON rule_told TO {app};
