-- name: restriction
SELECT r.number, r.task, r.reason, r.begins FROM restriction r
WHERE r.pat = $1 AND NOT EXISTS (SELECT 1 FROM restriction_end e WHERE e.number = r.number) ORDER BY r.number DESC LIMIT 1

-- name: restrict
INSERT INTO restriction (pat, patient, task, reason, made_by) VALUES ($1, $2, $3, $4, $5)

-- name: restriction_end
INSERT INTO restriction_end (number, reason, made_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
