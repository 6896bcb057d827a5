-- Requests that are answered later (http://hl7.org/fhir/R4/async.html): who asked for what, how far it is, what came of it.
-- Their files lie in the data folder under async/[id].
CREATE TABLE async_request (
  id       text PRIMARY KEY,
  kind     text NOT NULL,                       -- names the job's queue: 'bulk.' || kind
  account  int NOT NULL,                        -- in whose name it works, and with which token
  token    int,
  url      text NOT NULL,                       -- the request as it came, without its body
  asked    jsonb NOT NULL,
  state    text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
  progress text NOT NULL DEFAULT 'waiting',
  result   jsonb,                               -- the completion manifest; files named in it stand under their names
  error    text,
  made     timestamptz NOT NULL DEFAULT now(),
  finished timestamptz
);
CREATE INDEX async_request_made ON async_request (made);
GRANT SELECT, INSERT, UPDATE, DELETE ON async_request TO {app};
