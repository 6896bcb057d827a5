-- Electronic invoices: what was handed to the provider for a bill, and what it said, each once. Safe while old code runs.
CREATE TABLE money_einvoice (
  invoice text PRIMARY KEY REFERENCES money_bill,
  xml     bytea NOT NULL,                                        -- signed
  made    timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE money_einvoice_answer (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice text NOT NULL REFERENCES money_einvoice,
  taken   boolean NOT NULL,
  code    text NOT NULL,                                         -- of the provider: the invoice's number, or why not
  at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX money_einvoice_taken ON money_einvoice_answer (invoice) WHERE taken;
CREATE TRIGGER money_einvoice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money_einvoice EXECUTE FUNCTION append_only();
CREATE TRIGGER money_einvoice_answer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money_einvoice_answer EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON money_einvoice, money_einvoice_answer TO {app};
