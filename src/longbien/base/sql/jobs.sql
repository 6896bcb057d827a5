-- name: enqueue
-- In the caller's transaction: the job exists if and only if the caller's work does. The notice leaves at commit.
WITH made AS (
  INSERT INTO job (queue, key, payload, run_at) VALUES ($1, $2, $3::jsonb, coalesce($4, now()))
  ON CONFLICT (queue, key) WHERE key IS NOT NULL DO NOTHING RETURNING id)
SELECT id, pg_notify('longbien_job', $1) FROM made

-- name: claim
-- Due jobs that nobody holds, oldest first. SKIP LOCKED: workers never wait for each other.
UPDATE job SET attempts = attempts + 1, leased = now() + $3 * interval '1 second'
WHERE id IN (SELECT id FROM job WHERE dead IS NULL AND run_at <= now() AND (leased IS NULL OR leased < now())
             AND queue = ANY($1::text[]) ORDER BY run_at, id FOR UPDATE SKIP LOCKED LIMIT $2)
RETURNING id, queue, key, payload, attempts

-- name: done
DELETE FROM job WHERE id = $1

-- name: again
UPDATE job SET run_at = $2, leased = NULL, attempts = 0, error = NULL WHERE id = $1

-- name: failed
-- Back-off doubles from two seconds up to an hour; after $3 attempts it is given up and stays to be looked at.
UPDATE job SET leased = NULL, error = $2, dead = CASE WHEN attempts >= $3 THEN now() END,
  run_at = now() + least(3600, 2 ^ least(attempts, 12)) * interval '1 second'
WHERE id = $1

-- name: next_due
SELECT min(greatest(run_at, coalesce(leased, run_at))) FROM job WHERE dead IS NULL AND queue = ANY($1::text[])

-- name: revive
UPDATE job SET dead = NULL, attempts = 0, leased = NULL, run_at = now() WHERE id = $1 AND dead IS NOT NULL
