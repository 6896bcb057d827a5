-- name: blocks
-- Blocks [$1, $2] of a chain, each with what it would be by what lies there now.
SELECT b.n, b.xlo, b.xhi, b.count, b.prev, b.hash, d.count AS found, d.hash AS computed
FROM {block} b, LATERAL {digest}(b.xlo, b.xhi, b.prev) d WHERE b.n BETWEEN $1 AND $2 ORDER BY b.n

-- name: end
SELECT n, xhi, hash FROM {block} ORDER BY n DESC LIMIT 1

-- name: first
SELECT min(n) FROM {block} WHERE at >= $1

-- name: one
SELECT n, xhi, hash FROM {block} WHERE n = $1

-- name: unmatched
-- What lines and versions of the transactions in [$1, $2) do not say of each other. An import's line counts the versions that it stands
-- for, in its own transaction; every other line names one. kinds: $3 those of a write, $4 import.
WITH v AS MATERIALIZED (SELECT xid, rid, ver FROM ver WHERE xid >= $1 AND xid < $2),
l AS MATERIALIZED (SELECT DISTINCT rid, ver FROM audit WHERE xid >= $1 AND xid < $2 AND outcome = 0 AND kind = ANY($3::smallint[])
  AND rid IS NOT NULL AND ver IS NOT NULL),
i AS MATERIALIZED (SELECT xid, sum(n)::bigint AS n FROM audit WHERE xid >= $1 AND xid < $2 AND outcome = 0 AND kind = $4 AND rid IS NULL
  AND n > 0 GROUP BY xid),
alone AS (SELECT v.xid, count(*) AS n, min(v.rid) AS rid FROM v LEFT JOIN l ON l.rid = v.rid AND l.ver = v.ver WHERE l.rid IS NULL
  GROUP BY v.xid)
SELECT 'version' AS what, a.rid, NULL::int AS ver, a.n - coalesce(i.n, 0) AS n FROM alone a LEFT JOIN i ON i.xid = a.xid
  WHERE a.n <> coalesce(i.n, 0)
UNION ALL SELECT 'import', NULL, NULL, i.n FROM i LEFT JOIN alone a ON a.xid = i.xid WHERE a.xid IS NULL
UNION ALL SELECT 'line', l.rid, l.ver, 1 FROM l LEFT JOIN v ON v.rid = l.rid AND v.ver = l.ver WHERE v.rid IS NULL
LIMIT 1000
