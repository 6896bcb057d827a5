-- name: told
-- Once a day for one order of one patient, however often it is looked at before it is signed.
INSERT INTO rule_told (rule, facility, day, about, level, visit)
SELECT r, $1, $2, a, l, $6 FROM unnest($3::text[], $4::bigint[], $5::text[]) AS x (r, a, l)
ON CONFLICT DO NOTHING

-- name: settled
-- The visit is over: what was signed all the same, and what was not.
UPDATE rule_told SET signed = (about = ANY($2::bigint[])) WHERE visit = $1 AND signed IS DISTINCT FROM (about = ANY($2::bigint[]))

-- name: rates
SELECT rule, count(*) AS told, count(*) FILTER (WHERE signed) AS kept, count(*) FILTER (WHERE NOT signed) AS dropped
FROM rule_told WHERE facility = $1 AND day >= $2 GROUP BY rule
