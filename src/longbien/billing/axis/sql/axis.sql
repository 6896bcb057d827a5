-- name: sender_new
INSERT INTO axis_sender (account, login, secret, facility, code, cert) VALUES ($1, $2, $3, $4, $5, $6) RETURNING number

-- name: sender_by_login
SELECT x.number, x.account, x.login, x.secret, x.facility, x.code, x.cert, a.name, x.disabled IS NOT NULL OR a.disabled IS NOT NULL AS disabled
FROM axis_sender x JOIN account a ON a.number = x.account WHERE x.login = $1

-- name: sender_of
SELECT x.number, x.account, x.login, x.secret, x.facility, x.code, x.cert, a.name, x.disabled IS NOT NULL OR a.disabled IS NOT NULL AS disabled
FROM axis_sender x JOIN account a ON a.number = x.account WHERE x.account = $1

-- name: sender_end
UPDATE axis_sender SET disabled = now() WHERE login = $1 AND disabled IS NULL RETURNING number

-- name: file_new
-- The file as it was received; one that this sender sent before gives its own receipt back and is not new.
WITH fresh AS (
  INSERT INTO axis_file (receipt, batch, sender, digest, bytes, claims, state, answer)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (sender, digest) DO NOTHING RETURNING number, receipt, state, answer
)
SELECT number, receipt, state, answer, true AS fresh FROM fresh
UNION ALL
SELECT f.number, f.receipt, f.state, f.answer, false FROM axis_file f
WHERE f.sender = $3 AND f.digest = $4 AND NOT EXISTS (SELECT FROM fresh)

-- name: file
SELECT f.number, f.receipt, f.batch, f.digest, f.state, f.answer, f.claims, f.at, f.done, x.account, x.facility, x.code, a.name
FROM axis_file f JOIN axis_sender x ON x.number = f.sender JOIN account a ON a.number = x.account WHERE f.number = $1

-- name: file_by_receipt
SELECT f.receipt, f.batch, f.state, f.answer, f.claims, f.at, f.done FROM axis_file f WHERE f.receipt = $1 AND f.sender = $2

-- name: file_done
UPDATE axis_file SET state = $2, answer = $3, done = now() WHERE number = $1

-- name: claim
SELECT version, file, digest, patient, encounter, made FROM axis_claim WHERE facility = $1 AND link = $2

-- name: claim_put
INSERT INTO axis_claim AS c (facility, link, version, file, digest, patient, encounter, made) VALUES ($1, $2, 1, $3, $4, $5, $6, $7)
ON CONFLICT (facility, link) DO UPDATE SET version = c.version + 1, file = excluded.file, digest = excluded.digest,
  patient = excluded.patient, encounter = excluded.encounter, made = excluded.made, at = now()
