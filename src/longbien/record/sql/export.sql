-- name: new
INSERT INTO export (id, actor, scope, asked) VALUES ($1, $2, $3::jsonb, $4::jsonb)

-- name: of_actor
SELECT e.*, (SELECT j.error FROM job j WHERE j.queue = 'record.export' AND j.key = e.id AND j.dead IS NOT NULL) AS dead
FROM export e WHERE e.id = $1 AND e.actor = $2 AND e.state <> 'cancelled' AND (e.expires IS NULL OR e.expires > now())

-- name: begin
UPDATE export SET state = 'running' WHERE id = $1 AND state IN ('waiting', 'running') RETURNING *

-- name: total
UPDATE export SET total = $2 WHERE id = $1

-- name: part
-- Only while nobody has cancelled it: whoever finds no row throws the part away.
UPDATE export SET after = $2, done = done + $3, files = files || $4::jsonb WHERE id = $1 AND state = 'running' RETURNING id

-- name: done
UPDATE export SET state = 'done', finished = now(), expires = now() + $2 * interval '1 hour' WHERE id = $1 AND state = 'running'

-- name: failed
UPDATE export SET state = 'failed', error = $2, finished = now(), expires = now() + interval '1 day' WHERE id = $1

-- name: cancel
UPDATE export SET state = 'cancelled', finished = now(), expires = now() WHERE id = $1 AND actor = $2 AND state <> 'cancelled' RETURNING id

-- name: over
DELETE FROM export WHERE expires < now() - interval '1 minute' RETURNING files

-- name: kept
SELECT DISTINCT f->>'digest' AS digest FROM export e, jsonb_array_elements(e.files) f WHERE f->>'digest' = ANY($1::text[])

-- name: count
SELECT count(*) FROM head h WHERE {where}

-- name: chunk
-- The next rows ($1: go on after) as they were at the cut ($2): of each the newest version that was there then.
SELECT h.rid, h.type, h.id, h.pat, v.op, v.upd, v.body
FROM (SELECT h.rid, h.type, h.id, h.pat FROM head h WHERE h.rid > $1::int8 AND {where} ORDER BY h.rid LIMIT {chunk}) h
LEFT JOIN LATERAL (SELECT v.op, v.upd, v.body FROM ver v WHERE v.rid = h.rid AND v.upd <= $2::timestamptz
                   ORDER BY v.ver DESC LIMIT 1) v ON true
ORDER BY h.rid
