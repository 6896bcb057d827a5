-- name: ask
INSERT INTO async_request (id, kind, account, token, url, asked) VALUES ($1, $2, $3, $4, $5, $6::jsonb)

-- name: one
SELECT id, kind, account, token, url, asked, state, progress, result, error, made, finished FROM async_request WHERE id = $1

-- name: progress
UPDATE async_request SET state = 'running', progress = $2 WHERE id = $1 AND state IN ('waiting', 'running') RETURNING id

-- name: finish
UPDATE async_request SET state = 'done', result = $2::jsonb, finished = now() WHERE id = $1 AND state IN ('waiting', 'running')

-- name: fail
UPDATE async_request SET state = 'failed', error = $2, finished = now() WHERE id = $1 AND state IN ('waiting', 'running')

-- name: cancel
UPDATE async_request SET state = 'cancelled', finished = now() WHERE id = $1 AND state IN ('waiting', 'running')

-- name: old
SELECT id FROM async_request WHERE made < $1 LIMIT 100

-- name: forget
DELETE FROM async_request WHERE id = $1
