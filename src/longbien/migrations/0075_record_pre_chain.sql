-- The version log gets a chain of its own beside the trail's, so that a version which was changed, removed or added later shows; and
-- transaction numbers go on where they stood when a dump was restored into another server.

-- What is added to this server's own transaction numbers. A constant, so that it costs nothing; audit_continue() makes it anew.
CREATE FUNCTION xid_offset() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 0::bigint $$;
CREATE OR REPLACE FUNCTION this_xid() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL UNSAFE AS
  $$ SELECT pg_current_xact_id()::text::bigint + xid_offset() $$;
-- Every transaction below it has ended.
CREATE FUNCTION settled_xid() RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + xid_offset() $$;
ALTER TABLE export ALTER COLUMN xid SET DEFAULT settled_xid();

DO $do$
DECLARE body text;
BEGIN
  SELECT pg_get_functiondef(p.oid) INTO body FROM pg_proc p WHERE p.proname = 'audit_seal';
  ASSERT position('pg_snapshot_xmin(pg_current_snapshot())::text::bigint' IN body) > 0, 'audit_seal';
  body := replace(body, 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint', 'settled_xid()');
  EXECUTE replace(body, 'Restore a physical backup instead.', 'Say `longbien audit continue`.');
END $do$;

-- Where the numbers have to go on from: above every sealed block and the newest lines (a version never comes without a line). Null:
-- they do already. One statement, one snapshot: what it sees lies below its own xmax, unless it was brought from elsewhere.
CREATE FUNCTION audit_behind() RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT top FROM (SELECT greatest((SELECT max(xhi) FROM (SELECT xhi FROM audit_block ORDER BY n DESC LIMIT 1) b),
                                   (SELECT max(xid) FROM (SELECT xid FROM audit ORDER BY seq DESC LIMIT 10000) a) + 1) AS top) t
  WHERE top > pg_snapshot_xmax(pg_current_snapshot())::text::bigint + xid_offset()
$$;
-- Gives by how much the numbers were raised; 0: nothing had to be done. The owner's.
CREATE FUNCTION audit_continue() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE top bigint; more bigint;
BEGIN
  IF audit_behind() IS NULL THEN RETURN 0; END IF;
  LOCK TABLE audit, ver IN SHARE ROW EXCLUSIVE MODE;
  top := audit_behind();
  IF top IS NULL THEN RETURN 0; END IF;
  more := top - this_xid();
  EXECUTE format('CREATE OR REPLACE FUNCTION xid_offset() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '
                 '$f$ SELECT %s::bigint $f$', xid_offset() + more);
  INSERT INTO audit (xid, actor, action, kind, purpose, n, why)
    VALUES (top, 0, 'E', 18, 7, 0, format('restored: transaction numbers go on at %s', top));   -- 18 trail, 7 HSYSADMIN
  RETURN more;
END $$;
REVOKE ALL ON FUNCTION audit_continue() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_behind() TO {app};

-- Lines and dates are asked for by day: pages, anomalies, AuditEvent?date=.
CREATE INDEX audit_at ON audit USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- The chain of versions: like audit_block, over ver. A body is in it by its sha256.
CREATE TABLE ver_block (LIKE audit_block INCLUDING ALL);
CREATE TRIGGER ver_block_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ver_block EXECUTE FUNCTION append_only();
GRANT SELECT ON ver_block TO {app};

-- One version as bytes that no other has: numbers, then exactly 32 bytes.
CREATE FUNCTION ver_line(v ver) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(concat_ws('|', v.rid, v.ver, v.op, v.xid, extract(epoch FROM v.upd), coalesce(v.type::text, '-')) || '|', 'UTF8')
         || sha256(v.body)
$$;
CREATE FUNCTION ver_digest(lo bigint, hi bigint, prev bytea, OUT count bigint, OUT hash bytea) LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT count(*), sha256(prev || convert_to(lo::text || '|' || hi::text || '|' || count(*) || E'\n', 'UTF8')
                          || coalesce(string_agg(ver_line(v), '\x0a'::bytea ORDER BY v.rid, v.ver), ''))
  FROM ver v WHERE v.xid >= lo AND v.xid < hi
$$;
CREATE FUNCTION ver_seal(most int DEFAULT 20000) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '1s' SET enable_seqscan = off AS $$
DECLARE last ver_block; lo bigint; hi bigint; settled bigint; width bigint := 16384; found bigint; border bigint; d record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(714002) THEN RETURN NULL; END IF;
  SELECT * INTO last FROM ver_block ORDER BY n DESC LIMIT 1;
  lo := coalesce(last.xhi, 0);
  settled := settled_xid();
  IF settled <= lo OR NOT EXISTS (SELECT FROM ver WHERE xid >= lo AND xid < settled) THEN RETURN NULL; END IF;
  LOOP   -- a narrow stretch first; wider where nothing was written
    hi := least(lo + width, settled);
    SELECT count(*), max(x.xid) INTO found, border
      FROM (SELECT v.xid FROM ver v WHERE v.xid >= lo AND v.xid < hi ORDER BY v.xid LIMIT most + 1) x;
    EXIT WHEN found > 0 OR hi = settled;
    width := width * 8;
  END LOOP;
  IF found > most THEN   -- without the transaction that is too much, unless it is the first
    hi := border;
    IF NOT EXISTS (SELECT FROM ver WHERE xid >= lo AND xid < hi) THEN hi := border + 1; END IF;
  END IF;
  SELECT * INTO d FROM ver_digest(lo, hi, coalesce(last.hash, '\x'::bytea));
  INSERT INTO ver_block (n, xlo, xhi, count, prev, hash)
    VALUES (coalesce(last.n, 0) + 1, lo, hi, d.count, coalesce(last.hash, '\x'::bytea), d.hash);
  RETURN coalesce(last.n, 0) + 1;
END $$;
REVOKE ALL ON FUNCTION ver_seal(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ver_seal(int) TO {app};
