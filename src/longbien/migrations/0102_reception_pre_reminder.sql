-- The outbox of reminders: one row for each time an appointment is to be reminded of. Holds ids and states; whom to write to and what is
-- read from the record when it is sent. Safe while old code runs: a table of its own.
CREATE TABLE reception_reminder (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  appointment text NOT NULL,                                     -- id
  starts      timestamptz NOT NULL,                              -- as of when it was planned; another time is another row
  due         timestamptz NOT NULL,
  state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'dropped', 'failed')),
  tries       int NOT NULL DEFAULT 0,
  channel     text,                                              -- through which it went
  said        text,                                              -- the carrier's own number, or why it did not go; never the text
  done        timestamptz,
  UNIQUE (appointment, starts)
);
CREATE INDEX reception_reminder_due ON reception_reminder (due) WHERE state = 'waiting';
GRANT SELECT, INSERT, UPDATE ON reception_reminder TO {app};
