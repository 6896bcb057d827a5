-- The last step of a destruction: the bodies of one visit's record are replaced by an empty frame, whatever was made of them for
-- searches goes, and what each body's hash was stays, so that the chain of versions is whole and tells which minutes took it away.
-- docs/why/destruction.md. Safe while old code runs: a table and functions of their own; the log still only grows for everybody else.

-- Which bodies are gone: their hash as it was, and by which minutes. Written by record_destroy alone.
CREATE TABLE ver_gone (
  rid     bigint NOT NULL,
  ver     int NOT NULL,
  hash    bytea NOT NULL,                                        -- sha256 of the frame that was there
  minutes int NOT NULL REFERENCES destruction,
  at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (rid, ver)
);
CREATE INDEX ver_gone_minutes ON ver_gone (minutes);
CREATE TRIGGER ver_gone_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ver_gone EXECUTE FUNCTION append_only();
GRANT SELECT ON ver_gone TO {app};

-- A version's body counts in the chain by the hash that it had.
CREATE OR REPLACE FUNCTION ver_line(v ver) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(concat_ws('|', v.rid, v.ver, v.op, v.xid, extract(epoch FROM v.upd), coalesce(v.type::text, '-')) || '|', 'UTF8')
         || coalesce((SELECT g.hash FROM ver_gone g WHERE g.rid = v.rid AND g.ver = v.ver), sha256(v.body))
$$;

-- Versions that are not what their minutes allow: minutes without two signatures, or a body that is no empty frame.
CREATE FUNCTION ver_gone_wrong() RETURNS TABLE (rid bigint, ver int, minutes int) LANGUAGE sql STABLE AS $$
  SELECT g.rid, g.ver, g.minutes FROM ver_gone g LEFT JOIN ver v ON v.rid = g.rid AND v.ver = g.ver
  WHERE v.rid IS NULL OR octet_length(v.body) > 512
     OR (SELECT count(DISTINCT s.account) FROM destruction_sign s WHERE s.number = g.minutes) < 2
$$;
GRANT EXECUTE ON FUNCTION ver_gone_wrong() TO {app};

-- The one change that a row of the log allows: its body gives way to a small frame, once its hash is written down.
CREATE FUNCTION ver_only_gone() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (OLD.rid, OLD.upd, OLD.ver, OLD.op, OLD.xid, OLD.type) IS NOT DISTINCT FROM (NEW.rid, NEW.upd, NEW.ver, NEW.op, NEW.xid, NEW.type)
     AND octet_length(NEW.body) BETWEEN 1 AND 512
     AND EXISTS (SELECT FROM ver_gone g WHERE g.rid = OLD.rid AND g.ver = OLD.ver AND g.hash = sha256(OLD.body)) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'ver is append-only' USING ERRCODE = '42501';
END $$;
DROP TRIGGER ver_append_only ON ver;
CREATE TRIGGER ver_append_only BEFORE DELETE OR TRUNCATE ON ver EXECUTE FUNCTION append_only();
CREATE TRIGGER ver_only_gone BEFORE UPDATE ON ver FOR EACH ROW EXECUTE FUNCTION ver_only_gone();

-- Destroys one visit's record. resources: its rows; vers with frames: every version of them and what takes the body's place. Gives how
-- many bodies went. Every condition is looked at here again, whatever the application has looked at before.
CREATE FUNCTION record_destroy(p_by_minutes int, p_visit text, p_visit_type smallint, p_visit_key bigint, p_patient bigint, p_file_type smallint,
                               p_said_type smallint, p_resources bigint[], p_rids bigint[], p_vers int[], p_frames bytea[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE d destruction; one jsonb; gone int; now_state text;
BEGIN
  SELECT * INTO d FROM destruction WHERE number = p_by_minutes;
  IF NOT FOUND THEN RAISE EXCEPTION 'no such minutes' USING ERRCODE = 'LB409'; END IF;
  IF (SELECT count(DISTINCT s.account) FROM destruction_sign s WHERE s.number = p_by_minutes) < 2 THEN
    RAISE EXCEPTION 'two persons have not signed' USING ERRCODE = 'LB409';
  END IF;
  SELECT r INTO one FROM jsonb_array_elements(d.records) r WHERE r ->> 'encounter' = p_visit;
  IF one IS NULL OR coalesce(one ->> 'until', '') = '' THEN
    RAISE EXCEPTION 'the visit stands not in the minutes' USING ERRCODE = 'LB409';
  END IF;
  IF (one ->> 'until')::date >= (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date THEN
    RAISE EXCEPTION 'the term has not ended' USING ERRCODE = 'LB409';
  END IF;
  PERFORM pg_advisory_xact_lock(p_visit_key);                       -- as every write about the visit shares it
  SELECT s.state INTO now_state FROM record_state s WHERE s.encounter = p_visit_key ORDER BY s.number DESC LIMIT 1;
  IF now_state IS DISTINCT FROM 'archived' THEN RAISE EXCEPTION 'the record is not archived' USING ERRCODE = 'LB409'; END IF;
  IF EXISTS (SELECT FROM restriction r WHERE r.pat = p_patient AND NOT EXISTS (SELECT FROM restriction_end e WHERE e.number = r.number)) THEN
    RAISE EXCEPTION 'the record is restricted at its patient''s wish' USING ERRCODE = 'LB409';
  END IF;
  PERFORM 1 FROM head h WHERE h.rid = ANY(p_resources) ORDER BY h.rid FOR UPDATE;
  IF NOT EXISTS (SELECT FROM head h WHERE h.rid = ANY(p_resources) AND h.type = p_visit_type AND h.id = p_visit AND h.pat = p_patient) THEN
    RAISE EXCEPTION 'the visit is another patient''s' USING ERRCODE = 'LB409';
  END IF;
  IF EXISTS (SELECT FROM unnest(p_resources) w LEFT JOIN head h ON h.rid = w
             WHERE h.rid IS NULL OR (h.type = p_file_type AND h.pat IS NOT NULL) OR (h.type <> p_file_type AND h.pat IS DISTINCT FROM p_patient)
                OR (h.type = p_visit_type AND h.id <> p_visit)
                OR (h.type NOT IN (p_file_type, p_visit_type, p_said_type) AND NOT h.deleted
                    AND NOT EXISTS (SELECT FROM ref r WHERE r.rid = h.rid AND r.type = p_visit_type AND r.id = packed_id(p_visit)))) THEN
    RAISE EXCEPTION 'something of another record is among it' USING ERRCODE = 'LB409';
  END IF;
  IF (SELECT count(*) FROM ver v WHERE v.rid = ANY(p_resources)) <> cardinality(p_rids)
     OR EXISTS (SELECT FROM unnest(p_rids) r WHERE r <> ALL(p_resources)) THEN
    RAISE EXCEPTION 'the record changed meanwhile' USING ERRCODE = 'LB409';
  END IF;
  INSERT INTO ver_gone (rid, ver, hash, minutes)
    SELECT v.rid, v.ver, sha256(v.body), p_by_minutes FROM ver v WHERE v.rid = ANY(p_resources) AND v.op <> 3;
  UPDATE ver v SET body = w.frame FROM unnest(p_rids, p_vers, p_frames) AS w(rid, ver, frame)
    WHERE v.rid = w.rid AND v.ver = w.ver AND v.op <> 3;
  GET DIAGNOSTICS gone = ROW_COUNT;
  DELETE FROM str WHERE rid = ANY(p_resources);
  DELETE FROM ix_date WHERE rid = ANY(p_resources);
  DELETE FROM ix_qty WHERE rid = ANY(p_resources);
  DELETE FROM code2 WHERE rid = ANY(p_resources);
  DELETE FROM care WHERE rid = ANY(p_resources);
  DELETE FROM ref WHERE rid = ANY(p_resources);
  DELETE FROM tie WHERE rid = ANY(p_resources);
  DELETE FROM narrative WHERE rid = ANY(p_resources);
  DELETE FROM content WHERE rid = ANY(p_resources);
  UPDATE head h SET deleted = true, code = NULL, val = NULL, terms = '{}', dlo = '-infinity', dhi = 'infinity' WHERE h.rid = ANY(p_resources);
  DELETE FROM draft WHERE pat = p_patient AND right(form, length(p_visit) + 1) = '.' || p_visit;
  INSERT INTO record_state (encounter, state) VALUES (p_visit_key, 'destroyed');
  RETURN gone;
END $$;
REVOKE ALL ON FUNCTION record_destroy(int, text, smallint, bigint, bigint, smallint, smallint, bigint[], bigint[], int[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_destroy(int, text, smallint, bigint, bigint, smallint, smallint, bigint[], bigint[], int[], bytea[]) TO {app};
