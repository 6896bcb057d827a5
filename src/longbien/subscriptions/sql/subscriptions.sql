-- name: mine
SELECT account, headers, events FROM subscription WHERE rid = $1 FOR UPDATE

-- name: others
SELECT count(*) FROM subscription WHERE status <> 'off' AND rid <> $1

-- name: put
-- What was written after this very transaction counts; for one that was on before, what counted before. The numbers go on.
INSERT INTO subscription (rid, id, account, token, base, plan, headers, status, since, ends)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, this_xid(), $9)
ON CONFLICT (rid) DO UPDATE SET account = excluded.account, token = excluded.token, base = excluded.base, plan = excluded.plan,
  headers = excluded.headers, status = excluded.status, ends = excluded.ends, error = NULL, failures = 0,
  retry = now(), greeted = false, since = CASE WHEN subscription.status = 'off' THEN excluded.since ELSE subscription.since END

-- name: keep_waiting
-- Switched off: what was not told yet is not told any more, but can be asked for.
UPDATE subscription_event SET state = 'k' WHERE sub = $1 AND state = 'w'

-- name: drop
DELETE FROM subscription WHERE rid = $1

-- name: watched
SELECT rid, id, account, token, base, plan, since, status FROM subscription
WHERE status <> 'off' AND (ends IS NULL OR ends > now()) ORDER BY rid

-- name: place
-- Where the matcher has come to, held while its events are written: a second matcher that lost its lead writes nothing.
INSERT INTO outbox_cursor (reader, xid, rid, ver) VALUES ($1, 0, 0, 0) ON CONFLICT (reader) DO NOTHING

-- name: place_held
SELECT xid, rid, ver FROM outbox_cursor WHERE reader = $1 FOR UPDATE

-- name: number
-- The next numbers of a subscription, $2 of them; none when it is gone or off by now. Written anew meanwhile: only what came after.
UPDATE subscription SET events = events + $2 WHERE rid = $1 AND since = $3 AND status <> 'off' RETURNING events

-- name: add
INSERT INTO subscription_event (sub, n, at, rid, ver, type, fid, lane, gone, state)
SELECT $1, w.n, v.upd, w.rid, w.ver, h.type, h.id, coalesce(h.pat, w.rid), v.op = 3, $5::text::"char"
FROM unnest($2::bigint[], $3::bigint[], $4::int[]) AS w(n, rid, ver)
JOIN ver v ON v.rid = w.rid AND v.ver = w.ver JOIN head h ON h.rid = w.rid

-- name: due
-- Who has something to be told now: a greeting, an event, a sign of life.
SELECT s.rid FROM subscription s
WHERE s.status <> 'off' AND s.retry <= now() AND (s.ends IS NULL OR s.ends > now()) AND (
  NOT s.greeted
  OR EXISTS (SELECT FROM subscription_event e WHERE e.sub = s.rid AND e.state = 'w' AND e.due <= now())
  OR ((s.plan->>'heartbeat')::int > 0 AND s.plan->>'channel' = 'rest-hook'
      AND s.spoke < now() - (s.plan->>'heartbeat')::int * interval '1 second'))

-- name: one
SELECT rid, id, account, token, base, plan, headers, status, error, greeted, ends, events, told, failures, spoke, retry
FROM subscription WHERE rid = $1

-- name: by_id
SELECT rid, id, account, token, base, plan, headers, status, error, greeted, ends, events, told, failures, spoke, retry
FROM subscription WHERE id = $1

-- name: waiting
-- The oldest that may go now. A lane in which an earlier one waits for its next try stands still.
SELECT e.n, e.at, e.rid, e.ver, e.type, e.fid, e.lane, e.gone, e.attempts, e.made FROM subscription_event e
WHERE e.sub = $1 AND e.state = 'w' AND e.due <= now()
  AND e.lane <> ALL(ARRAY(SELECT b.lane FROM subscription_event b WHERE b.sub = $1 AND b.state = 'w' AND b.due > now()))
ORDER BY e.n LIMIT $2

-- name: between
SELECT n, at, rid, ver, type, fid, lane, gone, attempts, made FROM subscription_event
WHERE sub = $1 AND n > $2 AND n <= $3 AND state <> 'h' ORDER BY n LIMIT $4

-- name: settle
UPDATE subscription_event SET state = $3::text::"char", attempts = attempts + $4, error = NULL WHERE sub = $1 AND n = ANY($2::bigint[])

-- name: spoke
UPDATE subscription SET spoke = now(), failures = 0, retry = least(retry, now()) WHERE rid = $1

-- name: told
UPDATE subscription SET told = greatest(told, $2), spoke = now() WHERE rid = $1

-- name: event_failed
-- $4 seconds until the next try; dead where that was the last ($5 tries) .
UPDATE subscription_event SET attempts = attempts + 1, error = $3, due = now() + $4 * interval '1 second',
  state = CASE WHEN attempts + 1 >= $5 THEN 'd' ELSE state END
WHERE sub = $1 AND n = ANY($2::bigint[]) AND state = 'w' RETURNING state

-- name: sub_failed
-- $2: whether nothing at all is sent to this subscriber for $3 seconds.
UPDATE subscription SET failures = failures + 1, retry = CASE WHEN $2 THEN now() + $3 * interval '1 second' ELSE retry END
WHERE rid = $1 RETURNING failures, status

-- name: status
UPDATE subscription SET status = $2, error = $3 WHERE rid = $1 AND status = $4 RETURNING rid

-- name: greeted
UPDATE subscription SET greeted = true, failures = 0, retry = now(), spoke = now() WHERE rid = $1

-- name: too_old
-- Waited too long: dead, with the last reason.
UPDATE subscription_event SET state = 'd', error = coalesce(error, 'It could not be told in time.')
WHERE state = 'w' AND made < now() - $1 * interval '1 hour' RETURNING sub

-- name: over
SELECT rid, id, status FROM subscription WHERE status <> 'off' AND ends <= now()

-- name: forget
-- Past events that nobody can ask for any more. What still waits stays.
DELETE FROM subscription_event WHERE made < now() - $1 * interval '1 day' AND state <> 'w'

-- name: forget_tickets
DELETE FROM subscription_ticket WHERE until < now()

-- name: list
-- For a person: who is subscribed, how far it came, what waits and what is dead.
SELECT s.id, a.name AS owner, s.plan, s.status, s.error, s.events, s.failures, s.retry,
  (SELECT count(*) FROM subscription_event e WHERE e.sub = s.rid AND e.state = 'w') AS waiting,
  (SELECT count(*) FROM subscription_event e WHERE e.sub = s.rid AND e.state = 'd') AS dead
FROM subscription s JOIN account a ON a.number = s.account ORDER BY s.made LIMIT 1000

-- name: dead
SELECT e.n, e.at, e.type, e.fid, e.ver, e.attempts, e.error FROM subscription_event e
WHERE e.sub = $1 AND e.state = 'd' ORDER BY e.n LIMIT $2

-- name: replay
-- Tried again from the beginning of its patience. $2 null: all that are dead.
UPDATE subscription_event SET state = 'w', attempts = 0, due = now(), made = now()
WHERE sub = $1 AND state = 'd' AND ($2::bigint[] IS NULL OR n = ANY($2::bigint[])) RETURNING n

-- name: replay_now
UPDATE subscription SET retry = now(), failures = 0 WHERE rid = $1

-- name: discard
UPDATE subscription_event SET state = 'k'
WHERE sub = $1 AND state = 'd' AND ($2::bigint[] IS NULL OR n = ANY($2::bigint[])) RETURNING n

-- name: ticket_new
INSERT INTO subscription_ticket (hash, subs, account, token, until)
VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second') RETURNING until

-- name: ticket
SELECT subs, account, token FROM subscription_ticket WHERE hash = $1 AND until > now()
