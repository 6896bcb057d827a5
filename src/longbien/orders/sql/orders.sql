-- name: changed
-- What is kept in memory of the catalogue still holds while this answers the same. Two types; driven by head_dt.
SELECT count(*) AS n, max(upd) AS at FROM head WHERE type = ANY($1::smallint[]) AND NOT deleted AND pat IS NULL

-- name: definitions
-- Every definition of these types that the reader may see. They are about no patient: no line of the trail, as for names of places.
SELECT h.id, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = ANY($1::smallint[]) AND NOT h.deleted AND h.pat IS NULL AND {allowed}

-- name: habits
-- What this account orders most: pinned ones first.
SELECT definition, n, pinned FROM order_habit WHERE account = $1 ORDER BY pinned DESC, n DESC, last DESC LIMIT 200

-- name: ordered
INSERT INTO order_habit AS o (account, definition) SELECT $1, unnest($2::text[])
ON CONFLICT (account, definition) DO UPDATE SET n = o.n + 1, last = now()

-- name: pin
INSERT INTO order_habit (account, definition, n, pinned) VALUES ($1, $2, 0, $3)
ON CONFLICT (account, definition) DO UPDATE SET pinned = $3

-- name: next_number
SELECT nextval('order_number')

-- name: there
-- Ids of definitions that are there, or were: a starter catalogue leaves them as they are. Driven by head_dt.
SELECT type, id FROM head WHERE type = ANY($1::smallint[]) AND pat IS NULL

-- name: to_collect
-- Open laboratory orders of the last days that the reader may see: $2 the terms of status active and of the category. Driven by head_gin.
SELECT h.pat, h.rid, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms @> $2::int8[] AND h.dlo > $3 AND NOT h.deleted AND h.pat IS NOT NULL AND {allowed}
ORDER BY h.dlo LIMIT 1000

-- name: collected
-- Specimens of these patients since then. Driven by head_pat.
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($2::bigint[]) AND h.type = $1 AND h.upd > $3 AND NOT h.deleted AND {allowed} LIMIT 5000
