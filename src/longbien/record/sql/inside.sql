-- name: lines
SELECT record_audit($1::audit_in[])

-- name: lock
-- In the order given (sorted by the caller): a subquery with ORDER BY keeps the locks from being taken in another one.
SELECT count(pg_advisory_xact_lock(k)) FROM (SELECT k FROM unnest($1::bigint[]) WITH ORDINALITY AS t(k, n) ORDER BY n) s

-- name: existing
-- Which of these resources are there now, as far as the scope may know.
SELECT h.type, h.id FROM head h WHERE h.id = ANY($1::text[]) AND h.type = ANY($2::smallint[]) AND NOT h.deleted AND {allowed}

-- name: hold
-- Keep these rows as they are until the transaction ends; in the order of a commit's own locks, so that nobody waits in a circle.
SELECT count(*) FROM (SELECT 1 FROM head h WHERE h.id = ANY($1::text[]) AND h.type = ANY($2::smallint[]) ORDER BY h.rid FOR UPDATE) held

-- name: versions
SELECT h.type, h.id, h.ver FROM head h WHERE h.id = ANY($1::text[]) AND h.type = ANY($2::smallint[])
