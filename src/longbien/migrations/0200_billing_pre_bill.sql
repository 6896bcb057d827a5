-- Bills, as far as others count them: the Invoice in the record says all of it. Here it stands so that a number is used once (the key),
-- so that a visit has one bill that stands, and so that revenue can be told without opening anybody's record. Kept true by the guard of
-- Invoice, in the Invoice's own transaction. Safe while old code runs: objects of its own.
CREATE SEQUENCE billing_number;
GRANT USAGE ON SEQUENCE billing_number TO {app};

CREATE TABLE billing_bill (
  invoice   text PRIMARY KEY,                                    -- id of the Invoice
  number    text NOT NULL UNIQUE,                                -- given once, also after the bill is called off
  encounter text NOT NULL,                                       -- id of the Encounter
  facility  text NOT NULL,                                       -- id of the Organization
  status    text NOT NULL CHECK (status IN ('issued', 'balanced', 'cancelled')),
  issued    timestamptz NOT NULL,
  settled   timestamptz,                                         -- when the patient had nothing left to pay
  gross     numeric(16, 2) NOT NULL,
  insurer   numeric(16, 2) NOT NULL,
  copay     numeric(16, 2) NOT NULL,
  own       numeric(16, 2) NOT NULL,
  other     numeric(16, 2) NOT NULL,
  to_pay    bigint NOT NULL,
  inpatient boolean NOT NULL,
  CHECK (gross = insurer + copay + own + other)
);
CREATE UNIQUE INDEX billing_bill_stands ON billing_bill (encounter) WHERE status IN ('issued', 'balanced');
CREATE INDEX billing_bill_day ON billing_bill (facility, issued);
GRANT SELECT, INSERT, UPDATE ON billing_bill TO {app};

-- Stays that ended, and the day's clock: when leaving was ordered, when it happened, when the bill was settled. No name.
CREATE TABLE billing_stay (
  encounter text PRIMARY KEY,
  facility  text NOT NULL,
  ended     timestamptz,                                         -- null: not ended (any more)
  inpatient boolean NOT NULL
);
CREATE INDEX billing_stay_day ON billing_stay (facility, ended);
GRANT SELECT, INSERT, UPDATE ON billing_stay TO {app};

-- Who was reminded of what holds a bill open, and when. Subject and words are the house's own; no name.
CREATE TABLE billing_nudge (
  encounter text NOT NULL,
  item      text NOT NULL,
  facility  text NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  made_by   int NOT NULL,                                        -- account.number
  PRIMARY KEY (encounter, item, at)
);
CREATE INDEX billing_nudge_day ON billing_nudge (facility, at);
GRANT SELECT, INSERT ON billing_nudge TO {app};
