-- name: count
-- The next number of a series; whoever else counts in it waits until this transaction ends, so no number is lost or given twice.
INSERT INTO reception_count AS c (series, last) VALUES ($1, 1)
ON CONFLICT (series) DO UPDATE SET last = c.last + 1 RETURNING last

-- name: given
SELECT coalesce(max(number), 0) FROM reception_ticket WHERE place = $1 AND day = $2 AND letter = $3

-- name: put
-- What a ticket's Task says. Of a Task that was here before; a number that another Task has is a conflict on the key of numbers.
-- The number, room and day of a ticket never change; of an older version that comes late (a reaction) nothing is lost but order.
INSERT INTO reception_ticket AS t (task, place, day, letter, number, pat, state, turn, came, called, ended)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (task) DO UPDATE SET pat = excluded.pat, state = excluded.state, turn = excluded.turn, came = excluded.came,
  called = coalesce(excluded.called, t.called), ended = excluded.ended

-- name: one
SELECT * FROM reception_ticket WHERE task = $1

-- name: of_rooms
SELECT * FROM reception_ticket WHERE place = ANY($1::text[]) AND day = $2 ORDER BY turn

-- name: before
-- What these rooms took on the days before: the calls of two weeks. Driven by the key on (place, day).
SELECT place, day, came, called FROM reception_ticket
WHERE place = ANY($1::text[]) AND day < $2 AND day >= $2::date - 14 AND called IS NOT NULL ORDER BY called

-- name: of_patient
SELECT * FROM reception_ticket WHERE pat = $1 AND day = $2

-- name: rooms_of
-- In which rooms a patient was seen lately, the latest first.
SELECT place, max(came) AS came FROM reception_ticket WHERE pat = $1 AND place = ANY($2::text[]) GROUP BY place ORDER BY 2 DESC LIMIT 3

-- name: lately
-- The numbers given last in these rooms today.
SELECT * FROM reception_ticket WHERE place = ANY($1::text[]) AND day = $2 ORDER BY came DESC LIMIT 6

-- name: unended
-- Numbers of days before that nobody ended.
SELECT task FROM reception_ticket WHERE day < $1 AND state = ANY($2::text[]) ORDER BY day, came LIMIT $3
