-- name: of_type
-- Versions of one type, newest first, below ($1, $2, $3), not before $4. At most $5 versions of the log are looked at, and the last of
-- those is given with allowed = false where the scope hides it, so that the caller can go on from there. $8, $9: the time during which
-- a version must have been the current one. $10: the type.
SELECT f.rid, f.ver, f.upd, f.op, f.type, f.id, f.pat, f.n, f.allowed,
       CASE WHEN f.allowed THEN (SELECT b.body FROM ver b WHERE b.rid = f.rid AND b.ver = f.ver) END AS body
FROM (
  SELECT w.*, h.id, h.pat, ({allowed} AND {wanted}) AS allowed
  FROM (
    SELECT v.*, row_number() OVER (ORDER BY v.upd DESC, v.rid DESC, v.ver DESC) AS n
    FROM (SELECT v.rid, v.ver, v.upd, v.op, v.type FROM ver v
          WHERE v.type = $10 AND v.upd <= $1 AND (v.upd, v.rid, v.ver) < ($1, $2, $3) AND v.upd >= $4
          ORDER BY v.upd DESC, v.rid DESC, v.ver DESC LIMIT $5) v
  ) w, LATERAL (SELECT h.* FROM head h WHERE h.rid = w.rid OFFSET 0) h   -- one look at a time, never the whole table
) f
WHERE f.allowed OR f.n = $5 ORDER BY f.n LIMIT $6

-- name: of_all
-- The same over all types; $7: those that may be read, null for all.
SELECT f.rid, f.ver, f.upd, f.op, f.type, f.id, f.pat, f.n, f.allowed,
       CASE WHEN f.allowed THEN (SELECT b.body FROM ver b WHERE b.rid = f.rid AND b.ver = f.ver) END AS body
FROM (
  SELECT w.*, h.id, h.pat, ({allowed} AND {wanted}) AS allowed
  FROM (
    SELECT v.*, row_number() OVER (ORDER BY v.upd DESC, v.rid DESC, v.ver DESC) AS n
    FROM (SELECT v.rid, v.ver, v.upd, v.op, v.type FROM ver v
          WHERE v.upd <= $1 AND (v.upd, v.rid, v.ver) < ($1, $2, $3) AND v.upd >= $4
          ORDER BY v.upd DESC, v.rid DESC, v.ver DESC LIMIT $5) v
  ) w, LATERAL (SELECT h.* FROM head h WHERE h.rid = w.rid OFFSET 0) h   -- one look at a time, never the whole table
) f
WHERE f.allowed OR f.n = $5 ORDER BY f.n LIMIT $6

-- name: wanted
-- Current at some time in [$8, $9): begun in it, or begun before and not replaced when it began. A deletion is current at its moment.
($7::smallint[] IS NULL OR w.type = ANY($7)) AND ($8::timestamptz IS NULL OR (w.upd < $9::timestamptz AND (w.upd >= $8 OR (w.op <> 3
  AND NOT EXISTS (SELECT 1 FROM ver x WHERE x.rid = w.rid AND x.ver = w.ver + 1 AND x.upd <= $8)))))

-- name: of_one
-- Versions of one resource, newest first; $3 is the version to go on below. The key of ver carries the order, so a page costs the same
-- however long. There is a row without a version where none is wanted, so that what is hidden or unknown can be told from it.
SELECT h.rid, h.ver AS newest, w.ver, w.upd, w.op, h.pat, w.body, {allowed} AS allowed
FROM head h LEFT JOIN LATERAL (
  SELECT w.rid, w.ver, w.upd, w.op, w.body FROM ver w
  WHERE w.rid = h.rid AND w.ver < $3 AND w.upd >= $5
    AND ($6::timestamptz IS NULL OR (w.upd < $7::timestamptz AND (w.upd >= $6 OR (w.op <> 3
      AND NOT EXISTS (SELECT 1 FROM ver x WHERE x.rid = w.rid AND x.ver = w.ver + 1 AND x.upd <= $6)))))
  ORDER BY w.ver DESC LIMIT $4
) w ON true
WHERE h.id = $1 AND h.type = $2 ORDER BY w.ver DESC
