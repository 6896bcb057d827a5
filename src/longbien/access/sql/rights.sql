-- name: restriction
SELECT r.number, r.task, r.reason, r.begins FROM restriction r
WHERE r.pat = $1 AND NOT EXISTS (SELECT 1 FROM restriction_end e WHERE e.number = r.number) ORDER BY r.number DESC LIMIT 1

-- name: restrict
INSERT INTO restriction (pat, patient, task, reason, made_by) VALUES ($1, $2, $3, $4, $5)

-- name: restriction_end
INSERT INTO restriction_end (number, reason, made_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING

-- name: copies_lately
SELECT count(*) FROM record_copy WHERE account = $1 AND made > now() - interval '24 hours' AND state <> 'failed'

-- name: copy_new
INSERT INTO record_copy (id, account, patient, language) VALUES ($1, $2, $3, $4)

-- name: copies
SELECT id, patient, state, size, counted, made, ready FROM record_copy WHERE account = $1 AND patient = $2 ORDER BY made DESC LIMIT 10

-- name: copy
SELECT id, account, patient, state, language, counted FROM record_copy WHERE id = $1

-- name: copy_ready
UPDATE record_copy SET state = 'ready', size = $2, counted = $3, ready = now() WHERE id = $1 AND state = 'waiting'

-- name: copy_failed
UPDATE record_copy SET state = 'failed', error = $2 WHERE id = $1 AND state = 'waiting'

-- name: copy_fetched
UPDATE record_copy SET state = 'fetched', fetched = now() WHERE id = $1 AND state = 'ready' RETURNING id

-- name: copies_old
-- What nobody fetched: marked as gone, so that its file may go. $1: how long it is kept.
UPDATE record_copy SET state = 'gone' WHERE state = 'ready' AND ready < now() - $1::interval RETURNING id
