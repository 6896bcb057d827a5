-- name: days
-- One day of staff, [$2, $3), into account_day. What opens a record: reading, a page, print, export, and a search whose hits are not
-- people (kind 3 of type Patient is a list of names). One read of the day's lines.
INSERT INTO account_day (day, account, role, org, patients, items, searches, exports)
SELECT $1::date, a.actor, c.role, max(a.org),
  count(DISTINCT a.pat) FILTER (WHERE a.kind IN (0, 1, 2, 7, 8, 9, 10) OR (a.kind = 3 AND a.type IS DISTINCT FROM 103)),
  coalesce(sum(a.n) FILTER (WHERE a.pat IS NOT NULL), 0),
  count(DISTINCT a.xid) FILTER (WHERE a.kind = 3 AND a.why LIKE '%finding a person'),
  count(*) FILTER (WHERE a.kind IN (9, 10))
FROM audit a JOIN account c ON c.number = a.actor AND c.kind = 'person' AND c.role <> ALL($4::text[])
WHERE a.at >= $2 AND a.at < $3 AND a.outcome = 0 GROUP BY a.actor, c.role
ON CONFLICT (account, day) DO UPDATE SET (role, org, patients, items, searches, exports) =
  (EXCLUDED.role, EXCLUDED.org, EXCLUDED.patients, EXCLUDED.items, EXCLUDED.searches, EXCLUDED.exports)
RETURNING account

-- name: volumes
-- Each person's day against their own and their role's last 28: own (days, mean, deviation), the role's 95th of a hundred.
SELECT d.account, d.org, d.role, d.patients, d.searches, d.items, o.days, o.mean, o.deviation, r.high, r.days AS role_days
FROM account_day d
LEFT JOIN LATERAL (SELECT count(*) AS days, avg(p.patients) AS mean, coalesce(stddev_samp(p.patients), 0) AS deviation
  FROM account_day p WHERE p.account = d.account AND p.day < d.day AND p.day >= d.day - 28 AND p.patients > 0) o ON true
LEFT JOIN (SELECT p.role, count(*) AS days, percentile_cont(0.95) WITHIN GROUP (ORDER BY p.patients) AS high
  FROM account_day p WHERE p.day < $1 AND p.day >= $1::date - 28 AND p.patients > 0 GROUP BY p.role) r ON r.role = d.role
WHERE d.day = $1

-- name: pairs
-- Whose records these accounts opened on the day, newest first looked at by the index of actors; the night is 22 to 5 in Hanoi.
SELECT a.actor AS account, a.pat, min(a.at) AS at, sum(a.n)::bigint AS items, max(a.org) AS org,
  count(*) FILTER (WHERE extract(hour FROM a.at AT TIME ZONE 'Asia/Ho_Chi_Minh') NOT BETWEEN 5 AND 21) AS night,
  min(a.at) FILTER (WHERE extract(hour FROM a.at AT TIME ZONE 'Asia/Ho_Chi_Minh') NOT BETWEEN 5 AND 21) AS night_at,
  bool_or(a.kind IN (4, 5)) AS wrote
FROM audit a
WHERE a.actor = ANY($1::int[]) AND a.seq >= $4 AND a.seq <= $5 AND a.at >= $2 AND a.at < $3 AND a.pat IS NOT NULL AND a.outcome = 0
  AND (a.kind IN (0, 1, 2, 4, 5, 7, 8, 9, 10) OR (a.kind = 3 AND a.type IS DISTINCT FROM 103))
GROUP BY a.actor, a.pat

-- name: stretch
SELECT min(seq) AS low, max(seq) AS high FROM audit WHERE at >= $1 AND at < $2

-- name: bodies
-- Patients and those whom their records name as relatives.
SELECT h.pat, h.type, h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = ANY($2::smallint[]) AND NOT h.deleted

-- name: staff
-- Accounts with their Practitioner's body and their own Patient's key.
SELECT c.number, c.name, c.role, c.organization, c.patient, v.body FROM account c
LEFT JOIN head h ON h.id = c.practitioner AND h.type = $2 AND NOT h.deleted LEFT JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE c.number = ANY($1::int[])

-- name: colleagues
-- Which of these patients are staff: by the Patient that an account names.
SELECT c.patient, c.number, c.organization FROM account c WHERE c.patient = ANY($1::text[])

-- name: put
INSERT INTO anomaly (day, account, org, pat, at, items, weight, reasons) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
ON CONFLICT (day, account, pat) DO UPDATE SET at = EXCLUDED.at, items = EXCLUDED.items, weight = EXCLUDED.weight, reasons = EXCLUDED.reasons

-- name: list
-- Of one facility, newest day first, the weightiest first within it.
SELECT x.number, x.day, x.account, c.name, c.role, x.pat, x.at, x.items, x.weight, x.reasons::text AS reasons,
  coalesce(r.state, 'open') AS state, r.words, r.at AS reviewed, b.name AS reviewer, h.id AS patient, v.body
FROM anomaly x JOIN account c ON c.number = x.account
LEFT JOIN LATERAL (SELECT * FROM anomaly_review r WHERE r.anomaly = x.number ORDER BY r.number DESC LIMIT 1) r ON true
LEFT JOIN account b ON b.number = r.account
LEFT JOIN head h ON h.pat = x.pat AND h.type = 103 LEFT JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE x.org = $1 AND ($2::text IS NULL OR coalesce(r.state, 'open') = $2) AND ($3::bigint IS NULL OR x.pat = $3)
ORDER BY x.day DESC, x.weight DESC, x.number LIMIT $4

-- name: waiting
SELECT count(*) FROM anomaly x WHERE x.org = $1 AND NOT EXISTS (
  SELECT FROM anomaly_review r WHERE r.anomaly = x.number AND r.state <> 'open' AND r.number = (
    SELECT max(l.number) FROM anomaly_review l WHERE l.anomaly = x.number))

-- name: one
SELECT x.number, x.account, x.org, x.pat FROM anomaly x WHERE x.number = $1

-- name: review
INSERT INTO anomaly_review (anomaly, account, state, words) VALUES ($1, $2, $3, $4)

-- name: walls
SELECT DISTINCT pat FROM wall WHERE pat = ANY($1::bigint[])

-- name: glasses
-- Purposes that were stated that day: they have a reviewer of their own.
SELECT DISTINCT account, pat FROM purpose_grant WHERE account = ANY($1::int[]) AND begins < $3 AND until >= $2
