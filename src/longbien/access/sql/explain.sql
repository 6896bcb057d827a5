-- name: care
-- What puts the patient ($1) under care at a facility or a department ($2), newest end first. $3: days after the end, null: for ever.
SELECT h.type, h.id, c.lo, c.hi FROM care c JOIN head h ON h.rid = c.rid
WHERE c.pat = $1 AND c.org = ANY($2::bigint[]) AND c.lo < now() + interval '1 day'
  AND ($3::int IS NULL OR c.hi > now() - make_interval(days => $3)) ORDER BY c.hi DESC, c.lo DESC LIMIT 5

-- name: elsewhere
-- When such care ended last, where it is over.
SELECT h.type, h.id, c.lo, c.hi FROM care c JOIN head h ON h.rid = c.rid
WHERE c.pat = $1 AND c.org = ANY($2::bigint[]) ORDER BY c.hi DESC LIMIT 1

-- name: ties
SELECT h.type, h.id, t.lo, t.hi FROM tie t JOIN head h ON h.rid = t.rid
WHERE t.pat = $1 AND t.who = ANY($2::bigint[]) AND t.lo < now() + interval '1 day'
  AND ($3::int IS NULL OR t.hi > now() - make_interval(days => $3)) ORDER BY t.hi DESC, t.lo DESC LIMIT 5

-- name: cover
SELECT c.number, c.begins, c.until, c.reason FROM cover c WHERE c.number = $1

-- name: row
SELECT h.rid, h.pat, h.deleted FROM head h WHERE h.id = $1 AND h.type = $2
