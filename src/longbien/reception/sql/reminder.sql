-- name: plan
-- An appointment at this time is to be reminded of, once.
INSERT INTO reception_reminder (appointment, starts, due) VALUES ($1, $2, $3) ON CONFLICT (appointment, starts) DO NOTHING

-- name: take
-- What is due, for one worker at a time: whoever takes it puts it off by ten minutes, so that one who dies leaves it to the next.
UPDATE reception_reminder SET due = $2 + interval '10 minutes', tries = tries + 1
WHERE number IN (SELECT number FROM reception_reminder WHERE state = 'waiting' AND due <= $2 ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING number, appointment, starts, tries

-- name: done
UPDATE reception_reminder SET state = $2, channel = $3, said = $4, done = now() WHERE number = $1

-- name: again
UPDATE reception_reminder SET due = $2, said = $3 WHERE number = $1

-- name: of
-- The newest state of each of these appointments.
SELECT DISTINCT ON (appointment) appointment, state, channel, due, done FROM reception_reminder WHERE appointment = ANY($1::text[])
ORDER BY appointment, number DESC
