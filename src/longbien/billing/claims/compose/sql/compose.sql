-- name: visit
-- The visit ($1), what belongs to it, what is of the person whatever the visit ($3: types), and the newest weights and heights
-- ($6: keys of their codes). The patient's key drives all of it; $4 are the parameters by which resources belong to an encounter.
WITH e AS (SELECT v.pat, v.rid, v.dhi FROM head v WHERE v.id = $1 AND v.type = $2 AND NOT v.deleted)
SELECT h.type, h.pat, b.body FROM e JOIN head h ON h.pat = e.pat JOIN ver b ON b.rid = h.rid AND b.ver = h.ver
WHERE NOT h.deleted AND {allowed} AND (h.rid = e.rid OR h.type = ANY($3::smallint[])
  OR h.rid IN (SELECT r.rid FROM ref r WHERE r.p = ANY($4::int4[]) AND r.type = $2 AND r.id = packed_id($1))
  OR h.rid IN (SELECT w.rid FROM e JOIN head w ON w.pat = e.pat WHERE w.type = $5 AND w.code = ANY($6::int8[]) AND NOT w.deleted
               AND w.dlo <= e.dhi ORDER BY w.dlo DESC LIMIT 12))
ORDER BY h.dlo, h.rid

-- name: children
-- Visits of children that were born in this one: part of it, of another record.
SELECT h.id, h.pat, m.pat AS mother FROM ref r JOIN head h ON h.rid = r.rid JOIN head m ON m.id = $3 AND m.type = $2
WHERE r.p = $1 AND r.type = $2 AND r.id = packed_id($3) AND NOT h.deleted

-- name: named
-- Staff and places by id, and of the facility ($6) those whose role there is one of $7 (keys): who signs for it.
SELECT h.id, b.body FROM unnest($1::text[], $2::smallint[]) AS w(id, type) JOIN head h ON h.id = w.id AND h.type = w.type
JOIN ver b ON b.rid = h.rid AND b.ver = h.ver WHERE NOT h.deleted AND h.pat IS NULL
UNION ALL
SELECT h.id, b.body FROM ref r JOIN head h ON h.rid = r.rid JOIN ver b ON b.rid = h.rid AND b.ver = h.ver
WHERE r.p = $4 AND r.type = $5 AND r.id = packed_id($6) AND h.type = $3 AND NOT h.deleted AND h.terms && $7::int8[]
