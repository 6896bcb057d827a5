-- The trail's hardening. Who appends may not choose when: seq, xid and at are the database's own, and blocks are made by audit_seal alone.

REVOKE INSERT ON ver, audit, audit_block FROM {app};
GRANT INSERT (rid, upd, ver, op, body) ON ver TO {app};
GRANT INSERT (actor, org, pat, rid, ver, type, action, kind, outcome, purpose, n, addr, why) ON audit TO {app};

-- New pages of the log are summarised as they fill, so that a look at the newest transactions does not read a twentieth of the table.
ALTER INDEX ver_xid SET (autosummarize = on);
ALTER INDEX audit_xid SET (autosummarize = on);
ALTER INDEX ver_upd SET (autosummarize = on);

-- One line as text that no other line can have: texts carry their length, because they may hold anything, a line's end included.
CREATE OR REPLACE FUNCTION audit_line(a audit) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws('|', a.seq, a.xid, extract(epoch FROM a.at), a.actor, coalesce(a.org::text, '-'), coalesce(a.pat::text, '-'),
    coalesce(a.rid::text, '-'), coalesce(a.ver::text, '-'), coalesce(a.type::text, '-'), a.action, a.kind, a.outcome, a.purpose, a.n,
    coalesce(octet_length(a.addr), -1), coalesce(a.addr, ''), coalesce(octet_length(a.why), -1), coalesce(a.why, ''))
$$;

-- seqscan off here and below: the newest lines lie at the end, and a plan that hopes to meet them early reads the whole table.
CREATE OR REPLACE FUNCTION audit_digest(lo bigint, hi bigint, prev bytea, OUT count bigint, OUT hash bytea) LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT count(*), sha256(prev || convert_to(lo::text || '|' || hi::text || '|' || count(*) || E'\n', 'UTF8')
                          || coalesce(convert_to(string_agg(audit_line(a), E'\n' ORDER BY a.seq), 'UTF8'), ''))
  FROM audit a WHERE a.xid >= lo AND a.xid < hi
$$;

-- At most `most` lines of the transactions in [lo, hi); more count as `most`.
CREATE FUNCTION audit_pending(lo bigint, hi bigint, most int) RETURNS bigint LANGUAGE sql STABLE SET enable_seqscan = off AS $$
  SELECT count(*) FROM (SELECT 1 FROM audit WHERE xid >= lo AND xid < hi LIMIT most) AS found
$$;

-- A block's lines are gathered in memory to be hashed, so a block has a bound: `most` lines, or one transaction. Without it one long
-- transaction (nothing settles meanwhile) or a day without a sealer would make a block that cannot be made.
-- SECURITY DEFINER: the application may ask for a block, not write one.
CREATE OR REPLACE FUNCTION audit_seal(most int DEFAULT 20000) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE last audit_block; lo bigint; hi bigint; settled bigint; good bigint; bad bigint; middle bigint; found bigint; d record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(714001) THEN RETURN NULL; END IF;
  SELECT * INTO last FROM audit_block ORDER BY n DESC LIMIT 1;
  lo := coalesce(last.xhi, 0);
  settled := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;   -- every transaction below it has ended
  IF settled < lo THEN
    RAISE EXCEPTION 'the trail was sealed up to transaction %, but this server is only at %', lo, settled
      USING HINT = 'It was copied here by dump and restore. Restore a physical backup instead.';
  END IF;
  found := audit_pending(lo, settled, most + 1);
  IF found = 0 THEN RETURN NULL; END IF;
  hi := settled;
  IF found > most THEN   -- the largest stretch that is known to be small enough, by halving
    good := lo;
    bad := settled;
    WHILE bad - good > 1 LOOP
      middle := (good + bad) / 2;
      found := audit_pending(lo, middle, most + 1);
      IF found > most THEN bad := middle; ELSE good := middle; EXIT WHEN found > most / 2; END IF;
    END LOOP;
    hi := good;
    IF audit_pending(lo, hi, 1) = 0 THEN hi := bad; END IF;   -- a single transaction with more than `most` lines
  END IF;
  SELECT * INTO d FROM audit_digest(lo, hi, coalesce(last.hash, '\x'::bytea));
  INSERT INTO audit_block (n, xlo, xhi, count, prev, hash)
    VALUES (coalesce(last.n, 0) + 1, lo, hi, d.count, coalesce(last.hash, '\x'::bytea), d.hash);
  RETURN coalesce(last.n, 0) + 1;
END $$;
DROP FUNCTION audit_seal();
GRANT EXECUTE ON FUNCTION audit_seal(int) TO {app};

-- How far each reader of the version log has come (record/outbox.py).
CREATE TABLE outbox_cursor (
  reader  text PRIMARY KEY CHECK (length(reader) BETWEEN 1 AND 100),
  xid     bigint NOT NULL DEFAULT 0,
  rid     bigint NOT NULL DEFAULT 0,
  ver     int NOT NULL DEFAULT 0,
  updated timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON outbox_cursor TO {app};
