-- name: restriction
SELECT r.number, r.task, r.reason, r.begins FROM restriction r
WHERE r.pat = $1 AND NOT EXISTS (SELECT 1 FROM restriction_end e WHERE e.number = r.number) ORDER BY r.number DESC LIMIT 1

-- name: restrict
INSERT INTO restriction (pat, patient, task, reason, made_by) VALUES ($1, $2, $3, $4, $5)

-- name: restriction_end
INSERT INTO restriction_end (number, reason, made_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING

-- name: copies_lately
SELECT count(*) FROM record_copy WHERE account = $1 AND made > now() - interval '24 hours' AND state <> 'failed'

-- name: copy_new
INSERT INTO record_copy (id, account, patient, language) VALUES ($1, $2, $3, $4)

-- name: copies
SELECT id, patient, state, size, counted, made, ready FROM record_copy WHERE account = $1 AND patient = $2 ORDER BY made DESC LIMIT 10

-- name: copy
SELECT id, account, patient, state, language, counted FROM record_copy WHERE id = $1

-- name: copy_ready
UPDATE record_copy SET state = 'ready', size = $2, counted = $3, ready = now() WHERE id = $1 AND state = 'waiting'

-- name: copy_failed
UPDATE record_copy SET state = 'failed', error = $2 WHERE id = $1 AND state = 'waiting'

-- name: copy_fetched
UPDATE record_copy SET state = 'fetched', fetched = now() WHERE id = $1 AND state = 'ready' RETURNING id

-- name: copies_old
-- What nobody fetched: marked as gone, so that its file may go. $1: how long it is kept.
UPDATE record_copy SET state = 'gone' WHERE state = 'ready' AND ready < now() - $1::interval RETURNING id

-- name: destruction_new
INSERT INTO destruction (org, made_by, records, hash) VALUES ($1, $2, $3::jsonb, $4) RETURNING number

-- name: destruction_sign
INSERT INTO destruction_sign (number, account) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: destructions
-- The minutes of a facility, newest first, with who signed them.
SELECT d.number, d.made, d.made_by, a.name, d.records, d.hash,
  coalesce((SELECT array_agg(s.account ORDER BY s.at) FROM destruction_sign s WHERE s.number = d.number), '{}') AS signed,
  coalesce((SELECT array_agg(p.name ORDER BY s.at) FROM destruction_sign s JOIN account p ON p.number = s.account
            WHERE s.number = d.number), '{}') AS names
FROM destruction d JOIN account a ON a.number = d.made_by WHERE d.org = $1 ORDER BY d.number DESC LIMIT 50

-- name: emergencies
-- Emergency openings of one record, with the first verdict of the review and how many reads they led to.
SELECT g.number, a.name, a.role, a.organization, g.reason, g.begins,
  least(g.until, coalesce((SELECT e.at FROM purpose_end e WHERE e.number = g.number), g.until)) AS until,
  (SELECT count(*)::int FROM audit t WHERE t.actor = g.account AND t.pat = g.pat AND t.at BETWEEN g.begins AND g.until
     AND t.outcome = 0 AND t.action = 'R') AS seen,
  coalesce((SELECT r.verdict FROM glass_review r WHERE r.opening = g.number AND r.verdict IN ('accept', 'report')
     ORDER BY r.number LIMIT 1), '') AS verdict
FROM purpose_grant g JOIN account a ON a.number = g.account WHERE g.pat = $1 AND g.strength = 2 ORDER BY g.begins DESC LIMIT 20
