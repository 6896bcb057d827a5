-- Who may come in and why. Secrets are kept only as hashes. {app} may never remove an account, a token, a stated purpose:
-- the trail points to them.

CREATE TABLE account (
  number       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- the actor in the trail; 0 is the system, -1 nobody
  login        text COLLATE "C" NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 2 AND 100),
  kind         text NOT NULL CHECK (kind IN ('person', 'machine')),
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),   -- as shown to others
  role         text NOT NULL,                                  -- access.roles.ROLES; an unknown one may see nothing
  practitioner text,                                           -- ids of Practitioner, Organization (facility), its department
  organization text,
  department   text,
  password     text,                                           -- argon2id, null: cannot sign in with a password
  disabled     timestamptz,
  created      timestamptz NOT NULL DEFAULT now(),
  signed_in    timestamptz
);

-- A person's sign-in. A row may go: the trail keeps that it was.
CREATE TABLE session (
  hash    bytea PRIMARY KEY,                                   -- sha256 of the cookie's value
  account int NOT NULL REFERENCES account,
  created timestamptz NOT NULL DEFAULT now(),
  seen    timestamptz NOT NULL DEFAULT now(),                  -- written at most once a minute
  expires timestamptz NOT NULL,
  address text,
  agent   text
);
CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE api_token (
  number  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash    bytea NOT NULL UNIQUE,                               -- sha256 of the token
  account int NOT NULL REFERENCES account,
  scope   text NOT NULL,                                       -- SMART system scopes, as given
  created timestamptz NOT NULL DEFAULT now(),
  expires timestamptz,
  revoked timestamptz
);
CREATE INDEX api_token_account ON api_token (account);

-- A stated purpose opens one patient's record to one person for some hours. Never changed: an early end is a row of its own.
CREATE TABLE purpose_grant (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account int NOT NULL REFERENCES account,
  pat     bigint NOT NULL,
  purpose text NOT NULL,
  reason  text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
  begins  timestamptz NOT NULL DEFAULT now(),
  until   timestamptz NOT NULL
);
CREATE INDEX purpose_grant_open ON purpose_grant (account, pat, until);
CREATE TABLE purpose_end (
  number bigint PRIMARY KEY REFERENCES purpose_grant,
  at     timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER purpose_grant_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purpose_grant EXECUTE FUNCTION append_only();
CREATE TRIGGER purpose_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purpose_end EXECUTE FUNCTION append_only();

-- Sign-in attempts that failed, by key (a hash: people type passwords into the wrong field).
CREATE TABLE throttle (
  key      bytea PRIMARY KEY,
  failures int NOT NULL,
  last     timestamptz NOT NULL,
  until    timestamptz NOT NULL
);

-- What somebody is writing and has not signed yet.
CREATE TABLE draft (
  account int NOT NULL REFERENCES account,
  pat     bigint NOT NULL,
  form    text NOT NULL CHECK (length(form) BETWEEN 1 AND 200),
  content text NOT NULL CHECK (octet_length(content) <= 262144),
  updated timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, pat, form)
);

-- When somebody last looked at a patient; `before`: the visit before this one ("since you last looked").
CREATE TABLE looked (
  account int NOT NULL REFERENCES account,
  pat     bigint NOT NULL,
  at      timestamptz NOT NULL DEFAULT now(),
  before  timestamptz,
  PRIMARY KEY (account, pat)
) WITH (fillfactor = 80);

GRANT SELECT, INSERT, UPDATE (name, role, practitioner, organization, department, password, disabled, signed_in) ON account TO {app};
GRANT SELECT, INSERT, DELETE, UPDATE (seen) ON session TO {app};
GRANT SELECT, INSERT, UPDATE (revoked) ON api_token TO {app};
GRANT SELECT, INSERT ON purpose_grant, purpose_end TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON throttle, draft, looked TO {app};
