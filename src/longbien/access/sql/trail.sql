-- name: patient
SELECT h.rid, {allowed} AS allowed FROM head h WHERE h.pat = $1 AND h.type = $2

-- name: who_saw
-- Newest first, below $2. The facility is the account's present one.
SELECT a.seq, a.at, a.actor, c.name, c.role, c.organization, a.kind, a.type, h.id, a.ver, a.outcome, a.purpose, a.why, a.addr, a.n,
  (SELECT p.id FROM head p WHERE p.pat = a.pat AND p.type = $4) AS patient
FROM audit a LEFT JOIN account c ON c.number = a.actor LEFT JOIN head h ON h.rid = a.rid
WHERE a.pat = $1 AND a.seq < $2 ORDER BY a.seq DESC LIMIT $3

-- name: what_did
SELECT a.seq, a.at, a.actor, c.name, c.role, c.organization, a.kind, a.type, h.id, a.ver, a.outcome, a.purpose, a.why, a.addr, a.n,
  (SELECT p.id FROM head p WHERE p.pat = a.pat AND p.type = $4) AS patient
FROM audit a LEFT JOIN account c ON c.number = a.actor LEFT JOIN head h ON h.rid = a.rid
WHERE a.actor = $1 AND a.seq < $2 ORDER BY a.seq DESC LIMIT $3

-- name: organizations
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.id = ANY($1::text[]) AND h.type = $2 AND NOT h.deleted
