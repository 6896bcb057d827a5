-- name: now
-- What is said for these readers of a patient and a purpose ($3: its bit), now.
SELECT n.reader, n.permit, n.decided FROM consent_now n
WHERE n.pat = $1 AND n.reader = ANY($2::bigint[]) AND n.purposes & $3::int <> 0 AND n.lo <= now() AND n.hi > now()

-- name: withheld
SELECT count(*) FROM head h WHERE h.pat = $1 AND h.type = ANY($2::smallint[]) AND NOT h.deleted AND {withheld}

-- name: tells
SELECT EXISTS (SELECT 1 FROM head p WHERE p.id = $3 AND p.type = $4::smallint AND NOT p.deleted AND {open})
  AND EXISTS (SELECT 1 FROM head h WHERE h.pat = $1 AND h.type = ANY($2::smallint[]) AND NOT h.deleted AND {withheld})

-- name: before
SELECT v.body FROM ver v WHERE v.rid = $1 AND v.ver = $2 AND v.op <> 3

-- name: line
SELECT record_audit($1::audit_in[])
