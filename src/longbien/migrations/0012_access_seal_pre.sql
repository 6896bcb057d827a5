-- Catching up with a long backlog: where a block ends is found in one look over what may belong to it, not by halving.

-- The line after the first `most` of the transactions in [lo, hi): how many there are of them (at most most + 1), and its transaction.
CREATE FUNCTION audit_border(lo bigint, hi bigint, most int, OUT found bigint, OUT border bigint) LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT count(*), max(x.xid) FROM (SELECT a.xid FROM audit a WHERE a.xid >= lo AND a.xid < hi ORDER BY a.xid LIMIT most + 1) x
$$;

CREATE OR REPLACE FUNCTION audit_seal(most int DEFAULT 20000) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE last audit_block; lo bigint; hi bigint; settled bigint; width bigint := 16384; b record; d record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(714001) THEN RETURN NULL; END IF;
  SELECT * INTO last FROM audit_block ORDER BY n DESC LIMIT 1;
  lo := coalesce(last.xhi, 0);
  settled := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;   -- every transaction below it has ended
  IF settled < lo THEN
    RAISE EXCEPTION 'the trail was sealed up to transaction %, but this server is only at %', lo, settled
      USING HINT = 'It was copied here by dump and restore. Restore a physical backup instead.';
  END IF;
  IF audit_pending(lo, settled, 1) = 0 THEN RETURN NULL; END IF;
  LOOP   -- a narrow stretch first; wider where nothing was written
    hi := least(lo + width, settled);
    SELECT * INTO b FROM audit_border(lo, hi, most);
    EXIT WHEN b.found > 0 OR hi = settled;
    width := width * 8;
  END LOOP;
  IF b.found > most THEN
    BEGIN   -- until the newest pages are summarised every look reads all of them; a vacuum that is at it does it for us
      PERFORM brin_summarize_new_values('audit_xid'::regclass);
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
    hi := b.border;   -- without the transaction that is too much, unless it is the first
    IF audit_pending(lo, hi, 1) = 0 THEN hi := b.border + 1; END IF;
  END IF;
  SELECT * INTO d FROM audit_digest(lo, hi, coalesce(last.hash, '\x'::bytea));
  INSERT INTO audit_block (n, xlo, xhi, count, prev, hash)
    VALUES (coalesce(last.n, 0) + 1, lo, hi, d.count, coalesce(last.hash, '\x'::bytea), d.hash);
  RETURN coalesce(last.n, 0) + 1;
END $$;
