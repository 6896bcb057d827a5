-- name: replace
-- What waits of this claim for this place is not sent any more: a newer version takes its place.
UPDATE claim_sending SET state = 'dropped', done = now() WHERE claim = $1 AND gateway = $2 AND kind = $3 AND state = 'waiting' AND digest <> $4

-- name: send
INSERT INTO claim_sending (claim, facility, gateway, kind, digest) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (claim, gateway, kind) WHERE state = 'waiting' DO NOTHING RETURNING number

-- name: take
-- What is due, for one worker at a time: whoever takes it puts it off by ten minutes, so that one who dies leaves it to the next.
UPDATE claim_sending SET due = $2 + interval '10 minutes', tries = tries + 1
WHERE number IN (SELECT number FROM claim_sending WHERE state = 'waiting' AND due <= $2 ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING number, claim, facility, gateway, kind, digest, tries

-- name: again
UPDATE claim_sending SET due = $2, said = $3, code = $4 WHERE number = $1 AND state = 'waiting'

-- name: done
UPDATE claim_sending SET state = $2, code = $3, transaction = $4, said = NULL, done = now(), noted = $5 WHERE number = $1

-- name: noted
UPDATE claim_sending SET noted = true WHERE number = $1

-- name: unsettled
SELECT number, claim FROM claim_sending WHERE state IN ('taken', 'refused') AND NOT noted AND done < $1 ORDER BY number LIMIT 50

-- name: unchecked
UPDATE claim_sending SET checked = now() WHERE number IN (
  SELECT number FROM claim_sending WHERE state = 'taken' AND gateway = 'axis' AND checked IS NULL AND transaction <> '' AND done < $2
  ORDER BY done LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING number, claim, facility, gateway, kind, digest, tries, transaction

-- name: unchecked_again
UPDATE claim_sending SET checked = NULL, done = now() WHERE number = $1

-- name: history
-- Every version that was sent of a claim, newest first.
SELECT number, gateway, kind, digest, state, tries, due, code, transaction, said, made, done FROM claim_sending
WHERE claim = ANY($1::text[]) ORDER BY number DESC

-- name: latest
-- The newest sending of a claim to each place.
SELECT DISTINCT ON (gateway) number, gateway, state, digest FROM claim_sending WHERE claim = $1 AND kind = '3176' AND state <> 'dropped' ORDER BY gateway, number DESC

-- name: one
SELECT claim, digest FROM claim_sending WHERE number = $1

-- name: waiting
-- How many wait at this facility, and since when the oldest does.
SELECT count(*) AS n, min(made) AS since, max(tries) AS tries FROM claim_sending WHERE facility = $1 AND state = 'waiting'

-- name: close
INSERT INTO claim_month (facility, month, digest, claims, total, insurer, account) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number

-- name: closings
SELECT number, month, digest, claims, total, insurer, at FROM claim_month WHERE facility = $1 AND month = $2 ORDER BY number DESC

-- name: closing
SELECT facility, month, digest FROM claim_month WHERE number = $1
