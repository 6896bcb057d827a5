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

-- name: gone_visit
SELECT h.rid FROM head h WHERE h.id = $1 AND h.type = $2 AND h.pat = $3

-- name: gone_of_visit
-- What names a visit ($1 type, $2 id) of a patient ($3), of these types ($4), by these parameters ($5).
SELECT DISTINCT h.rid, h.type, h.id FROM ref r JOIN head h ON h.rid = r.rid
WHERE r.p = ANY($5::int[]) AND r.type = $1 AND r.id = packed_id($2) AND h.pat = $3 AND h.type = ANY($4::smallint[])

-- name: gone_deleted
-- The last body of what was deleted from a patient's record: it has no references any more.
SELECT h.rid, h.type, h.id, v.body FROM head h
JOIN LATERAL (SELECT v.body FROM ver v WHERE v.rid = h.rid AND v.op <> 3 ORDER BY v.ver DESC LIMIT 1) v ON true
WHERE h.pat = $1 AND h.deleted AND h.type = ANY($2::smallint[]) AND NOT EXISTS (SELECT FROM ver_gone g WHERE g.rid = h.rid)

-- name: gone_bodies
SELECT v.rid, v.body FROM ver v WHERE v.rid = ANY($1::bigint[]) AND v.op <> 3

-- name: gone_named
-- Which of these ($3, of type $2) another visit than $4 names by parameter $1.
SELECT DISTINCT w.id FROM unnest($3::text[]) AS w(id) JOIN ref r ON r.p = $1 AND r.type = $2 AND r.id = packed_id(w.id)
JOIN head h ON h.rid = r.rid WHERE h.id <> $4 AND NOT h.deleted

-- name: gone_by_id
SELECT h.rid, h.id FROM head h WHERE h.type = $1 AND h.id = ANY($2::text[])

-- name: gone_said
-- Those of type $4 that point by parameter $1 at any of these (types $2, ids $3).
SELECT DISTINCT h.rid, h.id FROM unnest($2::smallint[], $3::text[]) AS w(type, id)
JOIN ref r ON r.p = $1 AND r.type = w.type AND r.id = packed_id(w.id) JOIN head h ON h.rid = r.rid AND h.type = $4 AND h.pat = $5

-- name: gone_versions
SELECT v.rid, v.ver, v.upd FROM ver v WHERE v.rid = ANY($1::bigint[]) ORDER BY v.rid, v.ver

-- name: gone_destroy
SELECT record_destroy($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: gone_restricted
-- Which of these keys of patients have a restriction that runs.
SELECT DISTINCT r.pat FROM restriction r WHERE r.pat = ANY($1::bigint[])
  AND NOT EXISTS (SELECT FROM restriction_end e WHERE e.number = r.number)

-- name: gone_states
-- The last step of each of these records, by key64('Encounter/<id>').
SELECT DISTINCT ON (s.encounter) s.encounter, s.state FROM record_state s WHERE s.encounter = ANY($1::bigint[])
ORDER BY s.encounter, s.number DESC
