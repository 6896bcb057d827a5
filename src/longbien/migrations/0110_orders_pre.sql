-- The orders: a number for each order form, and what each member of staff orders how often (the order box puts it first among equals).
-- Neither is part of anybody's record. Safe while old code runs: objects of its own.
CREATE SEQUENCE order_number;
GRANT USAGE ON SEQUENCE order_number TO {app};

CREATE TABLE order_habit (
  account    int NOT NULL REFERENCES account,
  definition text NOT NULL,                                      -- id of the ActivityDefinition or PlanDefinition
  n          int NOT NULL DEFAULT 1,                             -- how often it was ordered
  pinned     boolean NOT NULL DEFAULT false,                     -- a favourite by one's own word
  last       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, definition)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON order_habit TO {app};
