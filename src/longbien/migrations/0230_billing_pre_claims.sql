-- Claims on their way out. Holds ids, states and hashes alone: what was sent lies among the blobs, sealed, by its hash; whose claim it
-- is and what became of it stands in the record (Claim, ClaimResponse).
CREATE TABLE claim_sending (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  claim       text NOT NULL,                                     -- id of the Claim, or of a month's summary
  facility    text NOT NULL,                                     -- claim code of the facility (MACSKCB)
  gateway     text NOT NULL CHECK (gateway IN ('portal', 'axis')),
  kind        text NOT NULL CHECK (kind IN ('3176', '0', '5')),  -- loaiHoSo
  digest      text NOT NULL,                                     -- of the signed bytes
  state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'refused', 'dropped')),
  tries       int NOT NULL DEFAULT 0,
  due         timestamptz NOT NULL DEFAULT now(),
  code        text,                                              -- maKetQua of the last answer
  transaction text,                                              -- maGiaoDich
  said        text,                                              -- why there was no answer; never what the answer says of a person
  made        timestamptz NOT NULL DEFAULT now(),
  done        timestamptz,
  checked     timestamptz,                                       -- when the axis was asked what became of it
  noted       boolean NOT NULL DEFAULT false                     -- the answer stands in the record
);
-- One version of a claim is on its way to a place at a time: a newer one takes its place, it is never beside it.
CREATE UNIQUE INDEX claim_sending_one ON claim_sending (claim, gateway, kind) WHERE state = 'waiting';
CREATE INDEX claim_sending_due ON claim_sending (due) WHERE state = 'waiting';
CREATE INDEX claim_sending_claim ON claim_sending (claim, number);
CREATE INDEX claim_sending_unnoted ON claim_sending (number) WHERE state IN ('taken', 'refused') AND NOT noted;
CREATE INDEX claim_sending_unchecked ON claim_sending (done) WHERE state = 'taken' AND gateway = 'axis' AND checked IS NULL;
GRANT SELECT, INSERT, UPDATE ON claim_sending TO {app};

-- A month that was closed: what was asked for, once for each closing; a later one corrects it.
CREATE TABLE claim_month (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility text NOT NULL,
  month    text NOT NULL CHECK (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
  digest   text NOT NULL,                                        -- of the summary 01/BH
  claims   int NOT NULL,
  total    numeric(18, 2) NOT NULL,                              -- T_TONGCHI_BV
  insurer  numeric(18, 2) NOT NULL,                              -- T_BHTT
  account  int NOT NULL REFERENCES account,
  at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX claim_month_of ON claim_month (facility, month, number);
CREATE TRIGGER claim_month_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON claim_month EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON claim_month TO {app};
