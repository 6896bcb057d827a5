-- name: new
-- xid (by default): every transaction below it is over. cut: whatever is not in this export carries a later time, as a write takes
-- its time after its transaction began; five seconds are for clocks that differ and for who is held up in between.
INSERT INTO export (id, actor, scope, asked, cut) SELECT $1, $2, $3::jsonb, $4::jsonb,
  least(now(), (SELECT min(a.xact_start) FROM pg_stat_activity a WHERE a.datname = current_database())) - interval '5 seconds'

-- name: of_actor
SELECT e.*, (SELECT j.error FROM job j WHERE j.queue = 'record.export' AND j.key = e.id AND j.dead IS NOT NULL) AS dead
FROM export e WHERE e.id = $1 AND e.actor = $2 AND e.state <> 'cancelled' AND (e.expires IS NULL OR e.expires > now())

-- name: under_way
SELECT count(*) FROM export WHERE actor = $1 AND state IN ('waiting', 'running')

-- name: begin
UPDATE export SET state = 'running', top = coalesce(top, (SELECT max(rid) FROM head), 0) WHERE id = $1 AND state IN ('waiting', 'running') RETURNING *

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

-- name: chunk
-- The next rows ($1: go on after; $3: as far as this) as they were at the cut ($2): of each the newest version there was then.
SELECT h.rid, h.type, h.id, h.pat, v.op, v.upd, v.body
FROM (SELECT h.rid, h.type, h.id, h.pat FROM head h WHERE h.rid > $1::int8 AND h.rid <= $3::int8 AND {where} ORDER BY h.rid LIMIT {chunk}) h
LEFT JOIN LATERAL (SELECT v.op, v.upd, v.body FROM ver v WHERE v.rid = h.rid AND v.xid < $2::bigint
                   ORDER BY v.ver DESC LIMIT 1) v ON true
ORDER BY h.rid
