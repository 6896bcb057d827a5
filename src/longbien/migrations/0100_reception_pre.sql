-- The reception's own tables. Safe while old code runs: tables of its own.

-- Numbers of the queues. The Task in the record says all of it; here it stands so that a number is given once to a room on a day (the
-- key), and so that a room's display, which shows numbers and nobody's name, need not open any record. `pat` is the patient's key, never
-- shown. Rebuilt from the Tasks by the reaction that keeps it true.
CREATE TABLE reception_ticket (
  task    text PRIMARY KEY,                                      -- id of the Task
  place   text NOT NULL,                                         -- id of the Location
  day     date NOT NULL,                                         -- of Hanoi's wall clock
  letter  text NOT NULL CHECK (letter ~ '^[A-Z]$'),
  number  int NOT NULL CHECK (number > 0),
  pat     bigint NOT NULL,
  state   text NOT NULL CHECK (state IN ('waiting', 'called', 'inside', 'missed', 'done', 'left')),
  turn    timestamptz NOT NULL,                                  -- where it stands among its own
  came    timestamptz NOT NULL,
  called  timestamptz,
  ended   timestamptz,
  UNIQUE (place, day, letter, number)
);
CREATE INDEX reception_ticket_pat ON reception_ticket (pat, day);
GRANT SELECT, INSERT, UPDATE ON reception_ticket TO {app};

-- Numbers of the house's own that are counted up: visits of a day, newborns, unidentified patients. One row a series.
CREATE TABLE reception_count (
  series  text PRIMARY KEY,
  last    int NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON reception_count TO {app};
