-- name: read
-- The current version by type and id. No condition on the type in front: id alone is nearly unique.
SELECT h.rid, h.ver, h.upd, h.deleted, h.pat, v.body, {allowed} AS allowed
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.id = $1 AND h.type = $2

-- name: vread
SELECT h.rid, v.ver, v.upd, v.op = 3 AS deleted, h.pat, v.body, {allowed} AS allowed
FROM head h JOIN ver v ON v.rid = h.rid WHERE h.id = $1 AND h.type = $2 AND v.ver = $3
