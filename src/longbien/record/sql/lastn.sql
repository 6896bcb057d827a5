-- name: newest
-- The matched observations ranked within their code, newest first; the same moment is the same rank. What has no code of a system
-- (a text alone) is grouped by who asks: it comes unranked, the newest first. `links`: codes that stand together in some observation.
WITH m AS MATERIALIZED (SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd, h.code, h.dlo FROM head h WHERE {where}),
     l AS (SELECT DISTINCT m.code AS a, c.code AS b FROM m JOIN code2 c ON c.rid = m.rid
           WHERE m.code IS NOT NULL AND c.code IN (SELECT code FROM m WHERE code IS NOT NULL)),
     k AS (SELECT m.*, rank() OVER (PARTITION BY m.code ORDER BY m.dlo DESC) AS place FROM m WHERE m.code IS NOT NULL),
     w AS (SELECT m.*, 0::bigint AS place FROM m WHERE m.code IS NULL ORDER BY m.dlo DESC, m.rid DESC LIMIT {texts}),
     x AS (SELECT * FROM k WHERE place <= {most} UNION ALL SELECT * FROM w ORDER BY dlo DESC, rid DESC LIMIT {rows})
SELECT x.*, v.body, (SELECT array_agg(ARRAY[a, b]) FROM l) AS links
FROM x JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY x.dlo DESC, x.rid DESC
