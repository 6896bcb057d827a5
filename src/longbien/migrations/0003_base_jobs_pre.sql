-- The house's own queue: work that must be done once, later, or again and again, by whichever worker is free.
CREATE TABLE job (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue    text NOT NULL,                       -- names the handler
  key      text,                                -- the same (queue, key) waits once only
  payload  jsonb NOT NULL DEFAULT '{}',         -- ids and numbers, never a patient's name
  run_at   timestamptz NOT NULL DEFAULT now(),
  attempts int NOT NULL DEFAULT 0,
  leased   timestamptz,                         -- a worker has it until then; later it is taken as dead
  error    text,                                -- what went wrong last
  dead     timestamptz,                         -- given up: stays to be seen and started again by a person
  made     timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX job_key ON job (queue, key) WHERE key IS NOT NULL;
CREATE INDEX job_due ON job (run_at, id) WHERE dead IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON job TO {app};
