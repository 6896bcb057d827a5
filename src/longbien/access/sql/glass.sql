-- name: new
INSERT INTO purpose_grant (account, pat, purpose, reason, until, strength, category, org)
VALUES ($1, $2, 'ETREAT', $3, now() + make_interval(secs => $4), 2, $5, $6) RETURNING number, begins, until

-- name: openings
-- Broken glasses, newest first, with what was said of them. $1: one number; $2: of a facility; $3: of an account; $4: not of this one;
-- $5: only those that nobody has accepted or reported; $6 how many. Nulls ask for all.
SELECT g.number, g.account, a.name, a.role, a.department, g.category, g.reason, g.begins, g.until,
  (SELECT e.at FROM purpose_end e WHERE e.number = g.number) AS ended,
  (SELECT p.id FROM head p WHERE p.pat = g.pat AND p.type = 103) AS patient,
  (SELECT count(*) FROM audit t WHERE t.actor = g.account AND t.pat = g.pat AND t.at BETWEEN g.begins AND g.until AND t.outcome = 0
     AND (t.action = 'R' OR t.kind = 3)) AS seen,
  coalesce((SELECT json_agg(json_build_array(r.verdict, r.text, r.at, c.name) ORDER BY r.number)
     FROM glass_review r JOIN account c ON c.number = r.account WHERE r.opening = g.number), '[]')::text AS said
FROM purpose_grant g JOIN account a ON a.number = g.account
WHERE g.strength = 2 AND ($1::bigint IS NULL OR g.number = $1) AND ($2::bigint IS NULL OR g.org = $2)
  AND ($3::int IS NULL OR g.account = $3) AND ($4::int IS NULL OR g.account <> $4)
  AND (NOT $5::bool OR NOT EXISTS (SELECT 1 FROM glass_review r WHERE r.opening = g.number AND r.verdict IN ('accept', 'report')))
ORDER BY g.begins DESC LIMIT $6

-- name: say
INSERT INTO glass_review (opening, account, verdict, text) VALUES ($1, $2, $3, $4)

-- name: pat
SELECT pat FROM purpose_grant WHERE number = $1

-- name: statistics
-- Of one facility, in the last $2 days.
SELECT count(*) AS openings, count(DISTINCT g.account) AS people, count(DISTINCT g.pat) AS patients,
  count(*) FILTER (WHERE v.verdict = 'accept') AS accepted, count(*) FILTER (WHERE v.verdict = 'report') AS reported,
  count(*) FILTER (WHERE v.verdict IS NULL) AS waiting,
  count(*) FILTER (WHERE v.verdict IS NULL AND g.begins < now() - interval '24 hours') AS late,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM v.at - g.begins)) AS median_seconds
FROM purpose_grant g LEFT JOIN LATERAL (SELECT r.verdict, r.at FROM glass_review r WHERE r.opening = g.number
  AND r.verdict IN ('accept', 'report') ORDER BY r.number LIMIT 1) v ON true
WHERE g.strength = 2 AND g.org = $1 AND g.begins > now() - make_interval(days => $2)

-- name: by_category
SELECT g.category, count(*) AS n FROM purpose_grant g
WHERE g.strength = 2 AND g.org = $1 AND g.begins > now() - make_interval(days => $2) GROUP BY g.category ORDER BY n DESC
