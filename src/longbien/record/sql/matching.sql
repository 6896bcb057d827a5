-- name: superseded
-- Versions that are asked for and are not what the head row shows (a newer one is, or the resource was deleted).
SELECT h.rid, v.ver, v.upd, v.body, h.type, h.id, h.sens, h.org
FROM unnest($1::bigint[], $2::int[]) AS w(rid, ver) JOIN head h ON h.rid = w.rid JOIN ver v ON v.rid = w.rid AND v.ver = w.ver
WHERE h.ver <> w.ver OR h.deleted
