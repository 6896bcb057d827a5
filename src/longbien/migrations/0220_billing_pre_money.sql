-- Money: a double-entry ledger, only ever added to (by rights and by triggers), and what it rests on: bills, payment references, what banks
-- said, shifts, refunds. Whole dong. No patient stands here: a line names a bill, a visit or a notice, and whose that is says the record, so
-- that joining two records of one person moves no money. Safe while old code runs: tables of its own.

-- The accounts. sign: the side that the balance of one subject may never leave (1 debit, -1 credit); 0: no balance by subject is kept.
CREATE TABLE money_account (
  code    text PRIMARY KEY,
  kind    text NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
  subject text NOT NULL CHECK (subject IN ('bill', 'visit', 'notice', 'refund', 'shift', 'account', '')),
  sign    smallint NOT NULL CHECK (sign IN (-1, 0, 1))
);
INSERT INTO money_account (code, kind, subject, sign) VALUES
  ('receivable', 'asset', 'bill', 1), ('revenue', 'income', 'bill', 0), ('deposit', 'liability', 'visit', -1),
  ('bank', 'asset', 'account', 0), ('card', 'asset', 'account', 0), ('cash', 'asset', 'shift', 1), ('safe', 'asset', '', 0),
  ('suspense', 'liability', 'notice', -1), ('outgoing', 'asset', 'notice', 1), ('refund', 'liability', 'refund', -1),
  ('difference', 'expense', 'shift', 0), ('fee', 'expense', 'account', 0), ('unclaimed', 'income', 'notice', 0);

CREATE TABLE money_entry (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key      text NOT NULL UNIQUE,                                 -- of its cause: the same cause is booked once
  kind     text NOT NULL,
  cause    text NOT NULL,                                        -- what it was booked for: Invoice/x, notice/7, shift/3
  facility text NOT NULL,                                        -- id of the Organization
  day      date NOT NULL,                                        -- of Hanoi's clock
  at       timestamptz NOT NULL DEFAULT now(),
  made_by  int NOT NULL,                                         -- account, 0 the house
  note     text NOT NULL DEFAULT ''
);
CREATE INDEX money_entry_day ON money_entry (facility, day);
CREATE INDEX money_entry_cause ON money_entry (cause);
CREATE TABLE money_line (
  entry    bigint NOT NULL REFERENCES money_entry,
  position smallint NOT NULL,
  account  text NOT NULL REFERENCES money_account,
  subject  text NOT NULL,                                        -- id of what the account's lines are about
  amount   bigint NOT NULL CHECK (amount <> 0),                  -- debit positive, credit negative
  PRIMARY KEY (entry, position)
);
CREATE INDEX money_line_subject ON money_line (account, subject);

-- What stands on one subject of an account. Made by the trigger alone: the application may only read it.
CREATE TABLE money_balance (
  account  text NOT NULL REFERENCES money_account,
  subject  text NOT NULL,
  facility text NOT NULL,
  amount   bigint NOT NULL,
  changed  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, subject)
);
CREATE INDEX money_balance_open ON money_balance (facility, account) WHERE amount <> 0;

CREATE FUNCTION money_add() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE s smallint; now_is bigint;
BEGIN
  SELECT sign INTO s FROM money_account WHERE code = NEW.account;
  IF s = 0 THEN RETURN NULL; END IF;
  INSERT INTO money_balance AS b (account, subject, facility, amount)
  SELECT NEW.account, NEW.subject, e.facility, NEW.amount FROM money_entry e WHERE e.number = NEW.entry
  ON CONFLICT (account, subject) DO UPDATE SET amount = b.amount + NEW.amount, changed = now() RETURNING amount INTO now_is;
  IF now_is * s < 0 THEN
    RAISE EXCEPTION 'the balance of % % would be on the wrong side', NEW.account, NEW.subject USING ERRCODE = 'LB409';
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION money_add() FROM PUBLIC;
CREATE TRIGGER money_line_add AFTER INSERT ON money_line FOR EACH ROW EXECUTE FUNCTION money_add();

CREATE FUNCTION money_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE n bigint; total numeric;
BEGIN
  IF TG_TABLE_NAME = 'money_entry' THEN n := NEW.number; ELSE n := NEW.entry; END IF;
  SELECT sum(amount) INTO total FROM money_line WHERE entry = n;
  IF total IS DISTINCT FROM 0 THEN RAISE EXCEPTION 'entry % does not sum to zero', n USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER money_entry_whole AFTER INSERT ON money_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION money_whole();
CREATE CONSTRAINT TRIGGER money_line_whole AFTER INSERT ON money_line DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION money_whole();

-- A bill as it was issued: what the patient pays. Its number is given once.
CREATE TABLE money_bill (
  invoice   text PRIMARY KEY,                                    -- id
  number    text NOT NULL UNIQUE,
  facility  text NOT NULL,
  encounter text NOT NULL,                                       -- id, '' where it has none
  amount    bigint NOT NULL CHECK (amount >= 0),
  issued    timestamptz NOT NULL
);
CREATE INDEX money_bill_encounter ON money_bill (encounter);
CREATE INDEX money_bill_issued ON money_bill (facility, issued);
CREATE TABLE money_bill_end (
  invoice text PRIMARY KEY REFERENCES money_bill,
  how     text NOT NULL CHECK (how IN ('cancelled')),
  at      timestamptz NOT NULL DEFAULT now()
);

-- A reference is bound to one bill (or one visit's deposit) and one amount, and is good for one payment: it ends once.
CREATE TABLE money_request (
  reference text PRIMARY KEY,
  purpose   text NOT NULL CHECK (purpose IN ('bill', 'deposit')),
  facility  text NOT NULL,
  encounter text NOT NULL,
  invoice   text REFERENCES money_bill,
  amount    bigint NOT NULL CHECK (amount > 0),
  bin       text NOT NULL,
  account   text NOT NULL,                                       -- where the money is to go
  made      timestamptz NOT NULL DEFAULT now(),
  made_by   int NOT NULL,
  CHECK ((purpose = 'bill') = (invoice IS NOT NULL))
);
CREATE INDEX money_request_invoice ON money_request (invoice) WHERE invoice IS NOT NULL;
CREATE INDEX money_request_encounter ON money_request (encounter);
CREATE TABLE money_request_end (
  reference text PRIMARY KEY REFERENCES money_request,
  how       text NOT NULL CHECK (how IN ('paid', 'part', 'replaced', 'otherwise')),
  entry     bigint REFERENCES money_entry,
  at        timestamptz NOT NULL DEFAULT now()
);

-- The accounts that a facility takes money on; the newest of a facility that is not ended is the one on its codes.
CREATE TABLE money_bank_account (
  number   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility text NOT NULL,
  bin      text NOT NULL,
  account  text NOT NULL,
  holder   text NOT NULL,
  begun    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (bin, account)
);
CREATE TABLE money_bank_account_end (
  number int PRIMARY KEY REFERENCES money_bank_account,
  at     timestamptz NOT NULL DEFAULT now()
);

-- What a bank said, as it came, before anybody reads it. The same bytes of one bank lie here once.
CREATE TABLE bank_delivery (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bank     text NOT NULL,                                        -- adapter
  way      text NOT NULL CHECK (way IN ('webhook', 'poll', 'file')),
  form     text NOT NULL,                                        -- how the bytes are to be read
  body     bytea NOT NULL,
  sha256   bytea NOT NULL,
  made_by  int NOT NULL DEFAULT 0,
  received timestamptz NOT NULL DEFAULT now(),
  UNIQUE (bank, sha256)
);
CREATE TABLE bank_delivery_read (
  delivery bigint PRIMARY KEY REFERENCES bank_delivery,
  notices  int NOT NULL,
  fresh    int NOT NULL,
  error    text NOT NULL DEFAULT '',
  at       timestamptz NOT NULL DEFAULT now()
);
-- A movement on one of our accounts, by the bank's own number: told ten times, it lies here once.
CREATE TABLE bank_notice (
  number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery  bigint NOT NULL REFERENCES bank_delivery,
  bin       text NOT NULL,
  account   text NOT NULL,
  bank_ref  text NOT NULL,
  amount    bigint NOT NULL CHECK (amount <> 0),                 -- in positive, out negative
  at        timestamptz NOT NULL,
  text      text NOT NULL,
  payer     text NOT NULL DEFAULT '',
  received  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (bin, account, bank_ref)
);
-- What became of it, once: settled, or an exception of some kind until somebody (or a bill that came later) resolves it.
CREATE TABLE bank_outcome (
  notice    bigint PRIMARY KEY REFERENCES bank_notice,
  facility  text NOT NULL,
  kind      text NOT NULL,
  reference text NOT NULL DEFAULT '',
  invoice   text,
  entry     bigint NOT NULL REFERENCES money_entry,
  at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bank_outcome_kind ON bank_outcome (facility, kind);
CREATE INDEX bank_outcome_invoice ON bank_outcome (invoice) WHERE invoice IS NOT NULL;
CREATE TABLE bank_resolution (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  notice  bigint NOT NULL REFERENCES bank_outcome (notice),
  how     text NOT NULL,
  invoice text,
  entry   bigint REFERENCES money_entry,
  refund  bigint,
  made_by int NOT NULL,
  reason  text NOT NULL DEFAULT '',
  at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bank_resolution_notice ON bank_resolution (notice);

-- A slip of the card terminal: its retrieval number is booked once.
CREATE TABLE money_slip (
  entry    bigint PRIMARY KEY REFERENCES money_entry,
  terminal text NOT NULL,
  rrn      text NOT NULL,
  approval text NOT NULL,
  tail     text NOT NULL CHECK (tail ~ '^[0-9]{4}$'),
  amount   bigint NOT NULL CHECK (amount > 0),
  UNIQUE (terminal, rrn)
);

-- A cashier's shift: float, count, difference with its reason.
CREATE TABLE money_shift (
  number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility  text NOT NULL,
  cashier   int NOT NULL REFERENCES account,
  desk      text NOT NULL,
  float     bigint NOT NULL CHECK (float >= 0),
  opened    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX money_shift_cashier ON money_shift (cashier, number);
CREATE INDEX money_shift_opened ON money_shift (facility, opened);
CREATE TABLE money_shift_end (
  shift      bigint PRIMARY KEY REFERENCES money_shift,
  counted    bigint NOT NULL CHECK (counted >= 0),
  expected   bigint NOT NULL,
  count      jsonb NOT NULL,                                     -- notes by their value
  reason     text NOT NULL DEFAULT '',
  closed     timestamptz NOT NULL DEFAULT now(),
  CHECK (counted = expected OR reason <> '')
);

-- A refund: asked by one, approved by another (a key holds that), paid once.
CREATE TABLE money_refund (
  number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reference text NOT NULL UNIQUE,
  facility  text NOT NULL,
  source    text NOT NULL CHECK (source IN ('deposit', 'suspense')),
  subject   text NOT NULL,                                       -- encounter or notice
  amount    bigint NOT NULL CHECK (amount > 0),
  way       text NOT NULL CHECK (way IN ('transfer', 'cash')),
  bin       text NOT NULL DEFAULT '',
  account   text NOT NULL DEFAULT '',
  holder    text NOT NULL DEFAULT '',
  reason    text NOT NULL CHECK (reason <> ''),
  asked_by  int NOT NULL REFERENCES account,
  asked     timestamptz NOT NULL DEFAULT now(),
  UNIQUE (number, asked_by),
  CHECK (way = 'cash' OR (bin <> '' AND account <> '' AND holder <> ''))
);
CREATE TABLE money_refund_answer (
  refund   bigint PRIMARY KEY,
  asked_by int NOT NULL,
  by       int NOT NULL REFERENCES account,
  approved boolean NOT NULL,
  reason   text NOT NULL DEFAULT '',
  entry    bigint REFERENCES money_entry,
  at       timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (refund, asked_by) REFERENCES money_refund (number, asked_by),
  CONSTRAINT second_person CHECK (by <> asked_by)
);
CREATE TABLE money_refund_file (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility text NOT NULL,
  body     bytea NOT NULL,
  made_by  int NOT NULL REFERENCES account,
  at       timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE money_refund_sent (
  refund bigint PRIMARY KEY REFERENCES money_refund,
  file   bigint NOT NULL REFERENCES money_refund_file
);
CREATE TABLE money_refund_paid (
  refund bigint PRIMARY KEY REFERENCES money_refund,
  entry  bigint NOT NULL REFERENCES money_entry,
  at     timestamptz NOT NULL DEFAULT now()
);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['money_account', 'money_entry', 'money_line', 'money_bill', 'money_bill_end', 'money_request', 'money_request_end',
    'money_bank_account', 'money_bank_account_end', 'bank_delivery', 'bank_delivery_read', 'bank_notice', 'bank_outcome', 'bank_resolution',
    'money_slip', 'money_shift', 'money_shift_end', 'money_refund', 'money_refund_answer', 'money_refund_file', 'money_refund_sent',
    'money_refund_paid'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I EXECUTE FUNCTION append_only()', t || '_append_only', t);
  END LOOP;
END $$;
GRANT SELECT ON money_account, money_balance TO {app};
GRANT SELECT, INSERT ON money_entry, money_line, money_bill, money_bill_end, money_request, money_request_end, money_bank_account,
  money_bank_account_end, bank_delivery, bank_delivery_read, bank_notice, bank_outcome, bank_resolution, money_slip, money_shift,
  money_shift_end, money_refund, money_refund_answer, money_refund_file, money_refund_sent, money_refund_paid TO {app};
