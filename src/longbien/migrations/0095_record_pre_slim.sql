-- Less room for the same: docs/why/storage.md says what each part takes.

-- References of a resource are few: found by its id alone, and entries that share it are stored once.
DROP INDEX ref_r;
DROP INDEX ref_to;

-- Nearly every id is a UUID in lower case: 16 bytes instead of 37. Any other text is kept after a zero byte, or two where it would else
-- be as long as a UUID. record.search.keys.packed_id does the same; a test holds them together.
CREATE FUNCTION packed_id(id text) RETURNS bytea LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN uuid_send(id::uuid)
              WHEN octet_length(id) = 15 THEN '\x0000'::bytea || convert_to(id, 'UTF8')
              ELSE '\x00'::bytea || convert_to(id, 'UTF8') END
$$;
CREATE FUNCTION plain_id(id bytea) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(id) = 16 THEN encode(id, 'hex')::uuid::text ELSE convert_from(ltrim(id, '\x00'::bytea), 'UTF8') END
$$;
ALTER TABLE ref ALTER COLUMN id TYPE bytea USING packed_id(id);
CREATE INDEX ref_to ON ref (p, type, id);
CREATE INDEX ref_r  ON ref (rid);

DROP FUNCTION record_reindex_refs(bigint[], int[], bigint[], int[], smallint[], text[]);
CREATE FUNCTION record_reindex_refs(rids bigint[], vers int[], by bigint[], ps int[], types smallint[], ids bytea[])
  RETURNS void LANGUAGE plpgsql AS $$
DECLARE touched bigint[];
BEGIN
  SELECT array_agg(h.rid) INTO touched FROM head h JOIN unnest(rids, vers) AS f(rid, ver) ON f.rid = h.rid AND f.ver = h.ver;
  DELETE FROM ref s WHERE s.rid = ANY(touched) AND NOT EXISTS (
    SELECT FROM unnest(by, ps, types, ids) AS n(rid, p, type, id) WHERE (n.rid, n.p, n.type, n.id) = (s.rid, s.p, s.type, s.id));
  INSERT INTO ref SELECT * FROM unnest(by, ps, types, ids) AS n(rid, p, type, id) WHERE n.rid = ANY(touched)
    EXCEPT SELECT rid, p, type, id FROM ref WHERE rid = ANY(touched);
END $$;

-- What reads a reference's id by another room's function (0066): the same, packed.
DO $do$
DECLARE body text;
BEGIN
  SELECT pg_get_functiondef(p.oid) INTO body FROM pg_proc p WHERE p.proname = 'account_ends';
  body := replace(replace(body, 'r.id = of_practitioner', 'r.id = packed_id(of_practitioner)'),
                  'r.id = of_department', 'r.id = packed_id(of_department)');
  EXECUTE body;
END $do$;

-- Room for updates in place: a page with space for two rows tidies itself up when it is written to.
ALTER TABLE head SET (fillfactor = 92);
