-- name: state
-- The newest stamp, and whether what was stored before the table came is in it.
SELECT stamp, filled FROM profile_state;

-- name: changed
-- $1 the stamp that is known.
SELECT rid, url, stamp FROM profile WHERE stamp > $1 ORDER BY stamp, rid;

-- name: all
SELECT rid, url, stamp FROM profile WHERE url IS NOT NULL ORDER BY stamp, rid;

-- name: bodies
-- $1 rids.
SELECT h.rid, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.rid = ANY($1::bigint[]) AND NOT h.deleted;

-- name: stored
-- Every StructureDefinition ($1 its number) above rid $2, $3 of them.
SELECT h.rid, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND NOT h.deleted AND h.rid > $2 ORDER BY h.rid LIMIT $3;

-- name: put
SELECT record_profiles($1::bigint[], $2::text[]);

-- name: filled
UPDATE profile_state SET filled = true;
