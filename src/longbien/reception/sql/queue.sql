-- name: count
-- The next number of a series; whoever else counts in it waits until this transaction ends, so no number is lost or given twice.
INSERT INTO reception_count AS c (series, last) VALUES ($1, 1)
ON CONFLICT (series) DO UPDATE SET last = c.last + 1 RETURNING last

-- name: given
SELECT coalesce(max(number), 0) FROM reception_ticket WHERE place = $1 AND day = $2 AND letter = $3

-- name: give
INSERT INTO reception_ticket (task, place, day, letter, number, pat, state, turn, came) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8)

-- name: set
-- A number in another state. `called` is when it was called last; `ended` only where it is over.
UPDATE reception_ticket SET state = $2, turn = coalesce($3, turn), called = coalesce($4, called),
       ended = CASE WHEN $2 IN ('done', 'left') THEN coalesce(ended, $5) END
WHERE task = $1

-- name: one
SELECT * FROM reception_ticket WHERE task = $1

-- name: of_room
SELECT * FROM reception_ticket WHERE place = $1 AND day = $2 ORDER BY turn

-- name: of_rooms
-- How many wait where, and what the pace is made of.
SELECT place, letter, number, task, state, turn, came, called, ended, pat FROM reception_ticket WHERE place = ANY($1::text[]) AND day = $2 ORDER BY turn

-- name: before
-- What these rooms took on the days before: the calls of two weeks, by day. Driven by the key on (place, day).
SELECT place, day, came, called FROM reception_ticket
WHERE place = ANY($1::text[]) AND day < $2 AND day >= $2::date - 14 AND called IS NOT NULL ORDER BY called

-- name: of_patient
-- Numbers of one patient on a day that are not over, in these rooms.
SELECT * FROM reception_ticket WHERE pat = $1 AND day = $2 AND place = ANY($3::text[]) AND state IN ('waiting', 'called', 'inside', 'missed')

-- name: lately
-- The numbers given last in these rooms today.
SELECT * FROM reception_ticket WHERE place = ANY($1::text[]) AND day = $2 ORDER BY came DESC LIMIT 8

-- name: open_visit
-- A visit of a patient here that has begun and is not over: its ticket's Task.
SELECT task FROM reception_ticket WHERE pat = $1 AND state IN ('waiting', 'called', 'inside', 'missed', 'done') AND day = $2
