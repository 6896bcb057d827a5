-- name: one_at_a_time
-- Two who book the same theatre wait for each other until the first has committed.
SELECT pg_advisory_xact_lock($1)

-- name: booked
-- Appointments ($1) at one place ($2: the term of location) that begin in a span of time, without this one ($5). For the guard, which
-- must see every booking, whoever may read it: it gives back a yes or a no, nothing of what it saw.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms @> ARRAY[$2::int8] AND h.dlo >= $3 AND h.dlo < $4 AND h.rid <> $5 AND NOT h.deleted

-- name: day
-- Appointments ($1) at these places ($2: the terms of location) that begin in a span of time.
SELECT h.pat, h.id, h.rid, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms && $2::bigint[] AND h.dlo >= $3 AND h.dlo < $4 AND NOT h.deleted AND {allowed}
ORDER BY h.dlo LIMIT 500

-- name: waiting
-- Procedures that are ordered at this facility and still open ($2, $3: the terms of category and status; $4: the facility's key).
SELECT h.pat, h.id, h.rid, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms @> ARRAY[$2::int8, $3::int8] AND h.org = $4 AND NOT h.deleted AND {allowed}
ORDER BY h.dlo LIMIT 300

-- name: known
-- Resources of a type by id, as far as the reader may see them.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.id = ANY($2::text[]) AND NOT h.deleted AND {allowed}
