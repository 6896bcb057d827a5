-- name: facilities
-- The organisations of the directory; about no patient. Few: those that have a facility's code are hospitals and clinics.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.pat IS NULL AND NOT h.deleted AND {allowed} ORDER BY h.id LIMIT 2000
