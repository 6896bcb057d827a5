-- Apps and hospital systems that come in by SMART App Launch or SMART Backend Services. Secrets (client secrets, codes, launches,
-- refresh tokens) are kept only as hashes. Nothing here is removed while the trail may point to it: what ended says when.

CREATE TABLE app (
  number     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  client_id  text COLLATE "C" NOT NULL UNIQUE CHECK (client_id ~ '^[A-Za-z0-9._-]{3,60}$'),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  auth       text NOT NULL CHECK (auth IN ('none', 'client_secret_basic', 'private_key_jwt', 'tls_client_auth')),
  secret     bytea,                                            -- sha256 of 256 random bits
  jwks       text,                                             -- public keys, as given (JSON)
  jwks_uri   text,
  cert       bytea,                                            -- sha256 of the certificate that tls_client_auth wants
  redirects  text[] NOT NULL DEFAULT '{}',                     -- compared as they are, letter by letter
  launch_url text,                                             -- where a launch from a patient's page begins
  scope      text NOT NULL,                                    -- the most that it may ask for
  account    int REFERENCES account,                           -- the machine that it is when it comes by itself (backend services)
  facility   text,                                             -- whose app it is (null: the city's)
  bound      boolean NOT NULL DEFAULT false,                   -- its tokens are good only over its own certificate (RFC 8705)
  by_itself  boolean NOT NULL DEFAULT false,                   -- registered by RFC 7591, by nobody of ours
  made_by    int NOT NULL DEFAULT 0,
  created    timestamptz NOT NULL DEFAULT now(),
  disabled   timestamptz,
  CHECK ((auth = 'client_secret_basic') = (secret IS NOT NULL)),
  CHECK (auth <> 'private_key_jwt' OR jwks IS NOT NULL OR jwks_uri IS NOT NULL),
  CHECK ((auth = 'tls_client_auth') = (cert IS NOT NULL))
);

-- What one person allowed one app: the family of the tokens that came of it.
CREATE TABLE app_grant (
  number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app       int NOT NULL REFERENCES app,
  account   int NOT NULL REFERENCES account,
  scope     text NOT NULL,                                     -- as granted
  patient   text,                                              -- ids in context
  encounter text,
  session   bytea,                                             -- online access lasts as long as this sign-in
  created   timestamptz NOT NULL DEFAULT now(),
  until     timestamptz NOT NULL,                              -- no token of it outlives this
  used      timestamptz NOT NULL DEFAULT now(),
  ended     timestamptz,
  why_ended text
);
CREATE INDEX app_grant_account ON app_grant (account) WHERE ended IS NULL;
CREATE INDEX app_grant_app ON app_grant (app) WHERE ended IS NULL;

CREATE TABLE app_code (
  hash      bytea PRIMARY KEY,
  app_grant bigint NOT NULL REFERENCES app_grant,
  redirect  text NOT NULL,
  challenge text NOT NULL,                                     -- PKCE S256
  nonce     text,
  banner    boolean NOT NULL,                                  -- need_patient_banner
  until     timestamptz NOT NULL,
  used      timestamptz
);
CREATE INDEX app_code_until ON app_code (until);

CREATE TABLE app_refresh (
  hash      bytea PRIMARY KEY,
  app_grant bigint NOT NULL REFERENCES app_grant,
  created   timestamptz NOT NULL DEFAULT now(),
  used      timestamptz                                        -- a second use ends the whole family
);
CREATE INDEX app_refresh_grant ON app_refresh (app_grant);

-- An app opened from a patient's page: what the app hands back as `launch`. It is worth nothing without the same person's sign-in.
CREATE TABLE app_launch (
  hash      bytea PRIMARY KEY,
  app       int NOT NULL REFERENCES app,
  account   int NOT NULL REFERENCES account,
  patient   text NOT NULL,
  encounter text,
  until     timestamptz NOT NULL
);
CREATE INDEX app_launch_until ON app_launch (until);

-- Assertions that were used once (private_key_jwt): the same again is refused until it has expired by itself.
CREATE TABLE app_jti (
  hash  bytea PRIMARY KEY,                                     -- sha256 of client and jti
  until timestamptz NOT NULL
);
CREATE INDEX app_jti_until ON app_jti (until);

-- Keys that id_tokens are signed with. The newest signs; the others stay published until what they signed has ended.
CREATE TABLE sign_key (
  kid     text COLLATE "C" PRIMARY KEY,
  private text NOT NULL,                                       -- JWK
  public  text NOT NULL,
  created timestamptz NOT NULL DEFAULT now(),
  until   timestamptz                                          -- published until then; null: it may sign
);

ALTER TABLE api_token
  ADD COLUMN app int REFERENCES app,
  ADD COLUMN app_grant bigint REFERENCES app_grant,
  ADD COLUMN cert bytea;                                       -- RFC 8705: good only over this client certificate
CREATE INDEX api_token_grant ON api_token (app_grant) WHERE app_grant IS NOT NULL;

GRANT SELECT, INSERT, UPDATE (name, secret, jwks, jwks_uri, cert, redirects, launch_url, scope, disabled) ON app TO {app};
GRANT SELECT, INSERT, UPDATE (used, ended, why_ended) ON app_grant TO {app};
GRANT SELECT, INSERT, DELETE, UPDATE (used) ON app_code, app_refresh TO {app};
GRANT SELECT, INSERT, DELETE ON app_launch, app_jti TO {app};
GRANT SELECT, INSERT, DELETE, UPDATE (until) ON sign_key TO {app};
