-- The record: one narrow current row per resource (head), every version for ever (ver), what searches need beside it,
-- and the trail of who did what. Layout and its measurements: docs/why/storage.md.
-- {app} is the role that the application signs in as: it may add versions and trail lines, never change or remove them.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The running transaction's number, 64 bits wide (xid8 has no BRIN operators).
CREATE FUNCTION this_xid() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL UNSAFE AS $$ SELECT pg_current_xact_id()::text::bigint $$;

CREATE SEQUENCE rid_block INCREMENT 1024 START 1024;   -- a process takes 1,024 ids at a time

CREATE TABLE head (
  rid     bigint PRIMARY KEY,                              -- internal surrogate
  pat     bigint,                                          -- key of the patient compartment (ids.patient_key), a Patient's own for itself
  code    bigint,                                          -- hot slot: key of 'Type.param|system|code' of the main token, first coding
  dlo     timestamptz NOT NULL DEFAULT '-infinity',        -- main date, low end (never null: null breaks keyset paging)
  dhi     timestamptz NOT NULL DEFAULT 'infinity',         -- main date, high end
  upd     timestamptz NOT NULL,                            -- last updated; not indexed here, so that updates stay HOT
  val     float8,                                          -- hot quantity in its canonical unit; exact decimals are rechecked
  ver     int NOT NULL,
  type    smallint NOT NULL,                               -- position of the type in fhir.definitions.types(), from 1
  deleted bool NOT NULL DEFAULT false,
  id      text COLLATE "C" NOT NULL,
  terms   int8[] NOT NULL DEFAULT '{}'                     -- 64-bit keys of every token, reference and uri value
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE head ALTER terms SET STATISTICS 500;
CREATE UNIQUE INDEX head_id ON head (id, type);
CREATE INDEX head_pat  ON head (pat, type, dlo DESC, rid DESC);
CREATE INDEX head_code ON head (code, dlo DESC, rid DESC) WHERE code IS NOT NULL;
CREATE INDEX head_val  ON head (code, val) INCLUDE (pat) WHERE val IS NOT NULL;
CREATE INDEX head_dt   ON head (type, dlo DESC, rid DESC);
CREATE INDEX head_gin  ON head USING gin (terms) WITH (fastupdate = on, gin_pending_list_limit = 1024);
-- 103 is Patient: two people may not share a key (types are numbered alphabetically; a test holds the number).
CREATE UNIQUE INDEX head_patient ON head (pat) WHERE type = 103;

-- The append-only log of versions. Read in the order of xid below the oldest running transaction, it is also the outbox.
CREATE TABLE ver (
  rid  bigint NOT NULL,
  upd  timestamptz NOT NULL,
  ver  int NOT NULL,
  op   smallint NOT NULL,                                  -- 1 create, 2 update, 3 delete
  xid  bigint NOT NULL DEFAULT this_xid(),
  body bytea NOT NULL,                                     -- zstd frame, dictionary named in the frame; empty for a delete
  PRIMARY KEY (rid, ver)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER TABLE ver ALTER body SET STORAGE EXTERNAL;           -- already compressed
CREATE INDEX ver_upd ON ver USING brin (upd) WITH (pages_per_range = 32);
CREATE INDEX ver_xid ON ver USING brin (xid) WITH (pages_per_range = 32);

CREATE TABLE zdict (id bigint PRIMARY KEY, made timestamptz NOT NULL DEFAULT now(), dict bytea NOT NULL);

-- Side tables: what the head row has no slot for. `p` is the key of 'Type.param' (record.index.param_key).
CREATE TABLE str     (p int NOT NULL, norm text COLLATE "C" NOT NULL, rid bigint NOT NULL);     -- folded strings
CREATE TABLE ix_date (p int NOT NULL, lo timestamptz NOT NULL, hi timestamptz NOT NULL, rid bigint NOT NULL);
CREATE TABLE ix_qty  (p int NOT NULL, unit bigint NOT NULL, val numeric NOT NULL, rid bigint NOT NULL);
CREATE TABLE code2   (code bigint NOT NULL, dlo timestamptz NOT NULL, rid bigint NOT NULL, pat bigint, val float8);
CREATE INDEX str_p      ON str (p, norm, rid);
CREATE INDEX str_r      ON str (rid);
CREATE INDEX ix_date_p  ON ix_date (p, lo, hi, rid);
CREATE INDEX ix_date_r  ON ix_date (rid);
CREATE INDEX ix_qty_p   ON ix_qty (p, unit, val, rid);
CREATE INDEX ix_qty_r   ON ix_qty (rid);
CREATE INDEX code2_code ON code2 (code, dlo DESC, rid DESC);
CREATE INDEX code2_val  ON code2 (code, val) INCLUDE (pat) WHERE val IS NOT NULL;
CREATE INDEX code2_r    ON code2 (rid);

-- Who is (or was) under whose care: one row per encounter and the like; `org` is key64('Organization/<id>').
CREATE TABLE care (pat bigint NOT NULL, org bigint NOT NULL, lo timestamptz NOT NULL, hi timestamptz NOT NULL, rid bigint NOT NULL);
CREATE INDEX care_pat ON care (pat, org, hi);
CREATE INDEX care_org ON care (org, hi);
CREATE INDEX care_r   ON care (rid);

-- The trail. One row per thing done; a search is one row per patient found.
CREATE TABLE audit (
  seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid     bigint NOT NULL DEFAULT this_xid(),
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor   int NOT NULL,                                    -- account.number; 0 the system itself, -1 nobody signed in
  org     bigint,                                          -- where the actor works, key64('Organization/<id>')
  pat     bigint,
  rid     bigint,
  ver     int,
  type    smallint,
  action  "char" NOT NULL,                                 -- C create, R read, U update, D delete, E execute (search, operation, sign-in)
  kind    smallint NOT NULL,                               -- record.trail.KINDS
  outcome smallint NOT NULL DEFAULT 0,                     -- 0 success, 4 refused, 8 failed
  purpose smallint NOT NULL DEFAULT 0,                     -- record.trail.PURPOSES
  n       int NOT NULL DEFAULT 1,                          -- how many resources this line stands for
  addr    text,
  why     text,                                            -- the scope's reason, or what was asked (never a patient's name)
  CHECK (octet_length(why) <= 4000)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX audit_pat   ON audit (pat, seq) WHERE pat IS NOT NULL;
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_xid   ON audit USING brin (xid) WITH (pages_per_range = 32);

-- The chain: a block covers every trail line whose transaction lies in [xlo, xhi). Once no transaction below xhi runs any more,
-- nothing may join or leave that set, so any change, removal or late insertion shows.
CREATE TABLE audit_block (
  n     bigint PRIMARY KEY,
  at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  xlo   bigint NOT NULL,
  xhi   bigint NOT NULL,
  count bigint NOT NULL,
  prev  bytea NOT NULL,
  hash  bytea NOT NULL                                     -- sha256(prev || xlo || xhi || lines in order of seq)
);

CREATE FUNCTION audit_line(a audit) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws('|', a.seq, a.xid, extract(epoch FROM a.at), a.actor, coalesce(a.org::text, '-'), coalesce(a.pat::text, '-'),
    coalesce(a.rid::text, '-'), coalesce(a.ver::text, '-'), coalesce(a.type::text, '-'), a.action, a.kind, a.outcome, a.purpose, a.n,
    coalesce(a.addr, '-'), coalesce(a.why, '-'))
$$;

CREATE FUNCTION audit_digest(lo bigint, hi bigint, prev bytea, OUT count bigint, OUT hash bytea) LANGUAGE sql STABLE AS $$
  SELECT count(*), sha256(prev || convert_to(lo::text || '|' || hi::text || E'\n', 'UTF8')
                          || coalesce(convert_to(string_agg(audit_line(a), E'\n' ORDER BY a.seq), 'UTF8'), ''))
  FROM audit a WHERE a.xid >= lo AND a.xid < hi
$$;

-- Appends the next block, if anything new has settled. One at a time (advisory lock). Gives the block's number, or null.
CREATE FUNCTION audit_seal() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE last audit_block; lo bigint; hi bigint; d record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(714001) THEN RETURN NULL; END IF;
  SELECT * INTO last FROM audit_block ORDER BY n DESC LIMIT 1;
  lo := coalesce(last.xhi, 0);
  hi := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  IF hi <= lo OR NOT EXISTS (SELECT 1 FROM audit WHERE xid >= lo AND xid < hi) THEN RETURN NULL; END IF;
  SELECT * INTO d FROM audit_digest(lo, hi, coalesce(last.hash, '\x'::bytea));
  INSERT INTO audit_block (n, xlo, xhi, count, prev, hash)
    VALUES (coalesce(last.n, 0) + 1, lo, hi, d.count, coalesce(last.hash, '\x'::bytea), d.hash);
  RETURN coalesce(last.n, 0) + 1;
END $$;

-- What one commit hands over, so that a whole transaction is one round trip.
CREATE TYPE ver_in AS (rid bigint, upd timestamptz, ver int, op smallint, body bytea);
CREATE TYPE audit_in AS (actor int, org bigint, pat bigint, rid bigint, ver int, type smallint, action "char", kind smallint,
                         outcome smallint, purpose smallint, n int, addr text, why text);

CREATE FUNCTION record_audit(lines audit_in[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit (actor, org, pat, rid, ver, type, action, kind, outcome, purpose, n, addr, why) SELECT * FROM unnest(lines)
$$;

-- The one way into the tables. `fresh` are new rows, `changed` rows whose stored version must be exactly one below.
CREATE FUNCTION record_commit(fresh head[], changed head[], vers ver_in[], strs str[], dates ix_date[], qtys ix_qty[],
                              codes code2[], cares care[], lines audit_in[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE touched bigint[]; done int;
BEGIN
  IF cardinality(changed) > 0 THEN
    SELECT array_agg(c.rid ORDER BY c.rid) INTO touched FROM unnest(changed) c;
    PERFORM 1 FROM head h WHERE h.rid = ANY(touched) ORDER BY h.rid FOR UPDATE;   -- one lock order: no deadlocks
    UPDATE head h SET pat = c.pat, code = c.code, dlo = c.dlo, dhi = c.dhi, upd = c.upd, val = c.val, ver = c.ver,
                      deleted = c.deleted, terms = c.terms
      FROM unnest(changed) c WHERE h.rid = c.rid AND h.ver = c.ver - 1;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done <> cardinality(changed) THEN
      RAISE EXCEPTION 'a newer version exists' USING ERRCODE = 'LB409';
    END IF;
    DELETE FROM str WHERE rid = ANY(touched);
    DELETE FROM ix_date WHERE rid = ANY(touched);
    DELETE FROM ix_qty WHERE rid = ANY(touched);
    DELETE FROM code2 WHERE rid = ANY(touched);
    DELETE FROM care WHERE rid = ANY(touched);
  END IF;
  INSERT INTO head SELECT * FROM unnest(fresh);
  INSERT INTO ver (rid, upd, ver, op, body) SELECT * FROM unnest(vers);
  IF cardinality(strs) > 0 THEN INSERT INTO str SELECT * FROM unnest(strs); END IF;
  IF cardinality(dates) > 0 THEN INSERT INTO ix_date SELECT * FROM unnest(dates); END IF;
  IF cardinality(qtys) > 0 THEN INSERT INTO ix_qty SELECT * FROM unnest(qtys); END IF;
  IF cardinality(codes) > 0 THEN INSERT INTO code2 SELECT * FROM unnest(codes); END IF;
  IF cardinality(cares) > 0 THEN INSERT INTO care SELECT * FROM unnest(cares); END IF;
  PERFORM record_audit(lines);
END $$;

-- A guard that does not depend on which role connects: the log and the trail only ever grow.
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '42501'; END $$;
CREATE TRIGGER ver_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ver EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION append_only();
CREATE TRIGGER audit_block_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_block EXECUTE FUNCTION append_only();

GRANT SELECT, INSERT ON ver, audit, audit_block, zdict TO {app};
GRANT SELECT, INSERT, UPDATE ON head TO {app};
GRANT SELECT, INSERT, DELETE ON str, ix_date, ix_qty, code2, care TO {app};
GRANT USAGE ON SEQUENCE rid_block TO {app};
