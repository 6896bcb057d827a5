-- The city's data axis: which hospital systems may send claims, what they sent, which visit each claim became. The files themselves lie
-- sealed as blobs; here stands where. Nothing is removed: a receipt points to it. Safe while old code runs: tables of its own.

CREATE TABLE axis_sender (
  number   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account  int NOT NULL UNIQUE REFERENCES account,              -- the machine that the trail names
  login    text COLLATE "C" NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9._-]{3,60}$'),
  secret   bytea NOT NULL,                                      -- sha256 of 256 random bits
  facility text NOT NULL,                                       -- id of its Organization: the only one whose claims it may send
  code     text NOT NULL CHECK (code ~ '^[0-9]{5}$'),           -- the ministry's code of that facility
  cert     bytea,                                               -- sha256 of the certificate that must have signed; null: any that holds
  made     timestamptz NOT NULL DEFAULT now(),
  disabled timestamptz
);

CREATE TABLE axis_file (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  receipt  text COLLATE "C" NOT NULL UNIQUE,                    -- maGiaoDich
  batch    text COLLATE "C" NOT NULL,
  sender   int NOT NULL REFERENCES axis_sender,
  digest   text COLLATE "C" NOT NULL,                           -- of the blob, which is the file as it came
  bytes    int NOT NULL,
  claims   int NOT NULL DEFAULT 0,
  state    text NOT NULL CHECK (state IN ('received', 'taken', 'refused')),
  answer   jsonb NOT NULL DEFAULT '{}',                         -- what is said of it when somebody asks
  at       timestamptz NOT NULL DEFAULT now(),
  done     timestamptz,
  UNIQUE (sender, digest)                                       -- the same file twice is one file
);

-- One line a visit of a facility: which claim of it stands, and what was made of it.
CREATE TABLE axis_claim (
  facility  text NOT NULL,
  link      text COLLATE "C" NOT NULL CHECK (length(link) BETWEEN 1 AND 100),   -- MA_LK
  version   int NOT NULL,
  file      bigint NOT NULL REFERENCES axis_file,               -- whose claim stands: a later file wins
  digest    bytea NOT NULL,                                     -- of the claim's rows
  patient   text NOT NULL,
  encounter text NOT NULL,
  made      text[] NOT NULL,                                    -- "Type/id" of what stands
  at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (facility, link)
);

GRANT SELECT, INSERT, UPDATE (secret, cert, disabled) ON axis_sender TO {app};
GRANT SELECT, INSERT, UPDATE (claims, state, answer, done) ON axis_file TO {app};
GRANT SELECT, INSERT, UPDATE (version, file, digest, patient, encounter, made, at) ON axis_claim TO {app};
