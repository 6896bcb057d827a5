-- Bulk exports: what was asked for, how far it has come, and the files that are there (blobs by their content's hash).
CREATE TABLE export (
  id       text PRIMARY KEY,
  actor    int NOT NULL,                         -- who asked: only they see it
  scope    jsonb NOT NULL,                       -- label, purpose, org, reads, address of the asker
  asked    jsonb NOT NULL,                       -- record.export.Asked
  cut      timestamptz NOT NULL DEFAULT now(),   -- the record as it was then
  after    bigint NOT NULL DEFAULT 0,            -- the last rid that is in a finished part
  done     bigint NOT NULL DEFAULT 0,
  total    bigint,                               -- rows to look at
  state    text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
  error    text,
  files    jsonb NOT NULL DEFAULT '[]',          -- {kind, type, digest, count, bytes}
  finished timestamptz,
  expires  timestamptz
);
CREATE INDEX export_expires ON export (expires) WHERE expires IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON export TO {app};
