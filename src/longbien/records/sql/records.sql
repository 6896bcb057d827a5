-- name: key_new
INSERT INTO signing_key (name, kind, source, account, org, certificate, chain, sealed, service, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10) ON CONFLICT DO NOTHING RETURNING number

-- name: key_training
SELECT number, name, kind, source, account, org, certificate, chain, sealed, service FROM signing_key WHERE kind = 'training'

-- name: key_of_account
-- The newest of a person's keys that has not ended.
SELECT k.number, k.name, k.kind, k.source, k.account, k.org, k.certificate, k.chain, k.sealed, k.service FROM signing_key k
WHERE k.account = $1 AND k.kind = 'person' AND NOT EXISTS (SELECT 1 FROM signing_key_end e WHERE e.number = k.number)
ORDER BY k.number DESC LIMIT 1

-- name: key_of_org
SELECT k.number, k.name, k.kind, k.source, k.account, k.org, k.certificate, k.chain, k.sealed, k.service FROM signing_key k
WHERE k.org = $1 AND k.kind = 'organisation' AND NOT EXISTS (SELECT 1 FROM signing_key_end e WHERE e.number = k.number)
ORDER BY k.number DESC LIMIT 1

-- name: key_end
INSERT INTO signing_key_end (number, made_by, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING

-- name: key_ended
-- When a key ended, by its certificate.
SELECT e.at FROM signing_key k JOIN signing_key_end e ON e.number = k.number WHERE k.certificate = $1

-- name: paper_new
INSERT INTO paper (code, document, kind, facility, dated) VALUES ($1, $2, $3, $4, $5)

-- name: paper
SELECT code, document, kind, facility, dated, made FROM paper WHERE code = $1

-- name: paper_step
INSERT INTO paper_step (code, what, party, signer, level, sha256) VALUES ($1, $2, $3, $4, $5, $6)

-- name: paper_steps
SELECT what, party, signer, level, sha256, at FROM paper_step WHERE code = $1 ORDER BY number

-- name: copy_new
-- The next printed copy of a paper.
INSERT INTO paper_copy (code, number, sha256, account)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3 FROM paper_copy WHERE code = $1 RETURNING number

-- name: copy_next
SELECT coalesce(max(number), 0) + 1 FROM paper_copy WHERE code = $1

-- name: copies
SELECT number, sha256, at FROM paper_copy WHERE code = $1 ORDER BY number

-- name: token_new
INSERT INTO paper_token (document, sha256, account, hash, until) VALUES ($1, $2, $3, $4, now() + interval '10 minutes')

-- name: token_try
-- The running code of a document, one try more. Nothing when it ran out, was used or was tried five times.
UPDATE paper_token SET tries = tries + 1
WHERE number = (SELECT max(number) FROM paper_token WHERE document = $1) AND until > now() AND used IS NULL AND tries < 5
RETURNING number, sha256, hash, account

-- name: token_used
UPDATE paper_token SET used = now() WHERE number = $1 AND used IS NULL

-- name: state_add
INSERT INTO record_state (encounter, state) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number

-- name: states
SELECT state, at FROM record_state WHERE encounter = $1 ORDER BY number

-- name: stamp_new
INSERT INTO paper_stamp (code, until) VALUES ($1, $2)

-- name: stamps_due
-- Signed papers whose archive time stamp runs out before $1, or that have none since their last signature, which is older than $2.
SELECT p.code, p.document FROM paper p
JOIN LATERAL (SELECT max(s.at) AS at FROM paper_step s WHERE s.code = p.code AND s.what = 'signed') g ON g.at < $2
LEFT JOIN LATERAL (SELECT s.until, s.at FROM paper_stamp s WHERE s.code = p.code ORDER BY s.number DESC LIMIT 1) t ON true
WHERE t.until IS NULL OR t.until < $1 OR t.at < g.at
ORDER BY t.until NULLS LAST, p.code LIMIT $3
