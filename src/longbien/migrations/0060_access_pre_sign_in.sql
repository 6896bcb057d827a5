-- How people come in: passkeys, one-time codes, badges, identity providers, invitations; what a session knows of it. Secrets are kept as
-- hashes; what must be read again (the seed of one-time codes) is sealed with a key that is not in the database (access/sealed.py).

ALTER TABLE account
  ADD demo    bool NOT NULL DEFAULT false,                       -- of the demo city: its password is printed on the screen
  ADD handle  bytea UNIQUE,                                      -- what a passkey calls this account; random, says nothing
  ADD enabled timestamptz;                                       -- idleness counts from here when that is later
-- Only the demo's accounts ever shared a hash.
UPDATE account SET demo = true WHERE login IN ('nb.lua', 'nn.bao')
  OR password IN (SELECT password FROM account WHERE password IS NOT NULL GROUP BY 1 HAVING count(*) > 1);
GRANT UPDATE (demo, handle, enabled) ON account TO {app};

ALTER TABLE session
  ADD method    text NOT NULL DEFAULT 'password',                -- access.actor.METHODS
  ADD factors   smallint NOT NULL DEFAULT 1,                     -- how many were shown; 0: must set one up before anything else
  ADD locked    bool NOT NULL DEFAULT false,                     -- the screen is locked; what stands on it is kept
  ADD proved    timestamptz NOT NULL DEFAULT now(),              -- when the person last showed who they are
  ADD device    bytea,                                           -- sha256 of the browser's own cookie
  ADD provider  text, ADD subject text, ADD sid text;            -- of an identity provider: it may end this session
CREATE INDEX session_subject ON session (provider, subject) WHERE provider IS NOT NULL;
GRANT UPDATE (locked, proved, method, factors) ON session TO {app};

-- A step of coming in that is not finished: a challenge, a state, a password that still wants its code. Goes when it is used.
CREATE TABLE ceremony (
  key     bytea PRIMARY KEY,                                     -- sha256 of what comes back
  kind    text NOT NULL,
  browser bytea,                                                 -- sha256 of the cookie of the browser that began it
  account int REFERENCES account,
  data    jsonb NOT NULL DEFAULT '{}',
  expires timestamptz NOT NULL
);
CREATE INDEX ceremony_expires ON ceremony (expires);

CREATE TABLE passkey (
  id         bytea PRIMARY KEY,                                  -- credential id
  number     int GENERATED ALWAYS AS IDENTITY UNIQUE,
  account    int NOT NULL REFERENCES account,
  public_key bytea NOT NULL,                                     -- COSE
  signs      bigint NOT NULL,                                    -- the authenticator's counter
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  transports text[] NOT NULL DEFAULT '{}',
  synced     bool NOT NULL,                                      -- kept in a cloud by its maker
  created    timestamptz NOT NULL DEFAULT now(),
  used       timestamptz
);
CREATE INDEX passkey_account ON passkey (account);

CREATE TABLE totp (
  account   int PRIMARY KEY REFERENCES account,
  secret    bytea NOT NULL,                                      -- sealed
  confirmed timestamptz,                                         -- null: shown, but no code was given yet
  step      bigint NOT NULL DEFAULT 0                            -- the last time step that was used: a code opens once
);
CREATE TABLE recovery_code (
  hash    bytea PRIMARY KEY,
  account int NOT NULL REFERENCES account,
  used    timestamptz
);
CREATE INDEX recovery_code_account ON recovery_code (account);

-- A card that is tapped, and a short number: only for coming back to a computer that the ward knows.
CREATE TABLE badge (
  hash    bytea PRIMARY KEY,                                     -- keyed hash of the card's number
  account int NOT NULL REFERENCES account,
  created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX badge_account ON badge (account);
CREATE TABLE pin (
  account  int PRIMARY KEY REFERENCES account,
  hash     text NOT NULL,                                        -- argon2id
  failures int NOT NULL DEFAULT 0
);

-- Browsers and networks that somebody came in from before: strangers' wrong tries do not lock them out there.
CREATE TABLE known (
  account  int NOT NULL REFERENCES account,
  hash     bytea NOT NULL,                                       -- sha256 of the browser's cookie, or of the network
  seen     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account, hash)
);
CREATE INDEX known_hash ON known (hash);

-- Who somebody is at an identity provider.
CREATE TABLE identity (
  provider text NOT NULL,
  subject  text NOT NULL,
  account  int NOT NULL REFERENCES account,
  linked   timestamptz NOT NULL DEFAULT now(),
  used     timestamptz,
  PRIMARY KEY (provider, subject)
);
CREATE INDEX identity_account ON identity (account);

CREATE TABLE invitation (
  number  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash    bytea NOT NULL UNIQUE,                                 -- sha256 of the link's secret
  account int NOT NULL REFERENCES account,
  created timestamptz NOT NULL DEFAULT now(),
  expires timestamptz NOT NULL,
  made_by int NOT NULL,
  used    timestamptz,
  revoked timestamptz
);
CREATE INDEX invitation_account ON invitation (account);

GRANT SELECT, INSERT, UPDATE, DELETE ON ceremony, totp, recovery_code, badge, pin, known, identity TO {app};
GRANT SELECT, INSERT, DELETE, UPDATE (signs, used, name, synced) ON passkey TO {app};
GRANT SELECT, INSERT, UPDATE (used, revoked) ON invitation TO {app};
