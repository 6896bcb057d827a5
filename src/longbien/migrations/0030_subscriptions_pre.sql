-- Subscriptions (room: subscriptions): what is watched for whom, and what each is to be told, in the order of its own numbers.
-- The resource in the record says what was asked for; here is what the server needs to do it, and the secrets that it shows to nobody.

CREATE TABLE subscription (
  rid      bigint PRIMARY KEY,                  -- head.rid of the Subscription
  id       text COLLATE "C" NOT NULL,
  account  int NOT NULL,                        -- in whose name, and with which token, it looks and delivers
  token    int,
  base     text NOT NULL,                       -- this server's address as its owner wrote to it
  plan     jsonb NOT NULL,                      -- the resource's own words, read (subscriptions/plan.py)
  headers  text[] NOT NULL DEFAULT '{}',        -- 'Name: value', as given: may hold secrets
  status   text NOT NULL CHECK (status IN ('requested', 'active', 'error', 'off')),
  error    text,
  since    bigint NOT NULL,                     -- transaction of its own writing: what was written after it counts
  greeted  bool NOT NULL DEFAULT false,         -- its address was looked at, and answered the handshake where it gets one
  ends     timestamptz,
  events   bigint NOT NULL DEFAULT 0,           -- the last number given
  told     bigint NOT NULL DEFAULT 0,           -- the last number sent down an open connection
  failures int NOT NULL DEFAULT 0,              -- in a row
  retry    timestamptz NOT NULL DEFAULT now(),  -- nothing is sent before
  spoke    timestamptz NOT NULL DEFAULT now(),  -- when it was last told anything
  made     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX subscription_id ON subscription (id);

CREATE TABLE subscription_event (
  sub      bigint NOT NULL REFERENCES subscription ON DELETE CASCADE,
  n        bigint NOT NULL,                     -- 1, 2, 3 .. within the subscription; the same on every try
  at       timestamptz NOT NULL,                -- of the version
  rid      bigint NOT NULL,
  ver      int NOT NULL,
  type     smallint NOT NULL,
  fid      text COLLATE "C" NOT NULL,
  lane     bigint NOT NULL,                     -- told in order within a lane: the patient's key, else the resource's
  gone     bool NOT NULL,                       -- the version is a delete
  state    "char" NOT NULL DEFAULT 'w',         -- w waiting, s sent, h hidden from its owner by now, d dead, k kept for who asks
  attempts int NOT NULL DEFAULT 0,
  due      timestamptz NOT NULL DEFAULT now(),
  error    text,
  made     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sub, n)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX subscription_event_waiting ON subscription_event (sub, n) WHERE state = 'w';
CREATE INDEX subscription_event_dead    ON subscription_event (sub, n) WHERE state = 'd';
CREATE INDEX subscription_event_made    ON subscription_event USING brin (made);

-- A one-time ticket for a websocket: who binds with it needs no other proof.
CREATE TABLE subscription_ticket (
  hash    bytea PRIMARY KEY,                    -- sha256
  subs    bigint[] NOT NULL,
  account int NOT NULL,
  token   int,
  until   timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON subscription, subscription_event, subscription_ticket TO {app};
