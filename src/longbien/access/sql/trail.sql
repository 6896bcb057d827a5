-- name: patient
SELECT h.rid, {allowed} AS allowed FROM head h WHERE h.pat = $1 AND h.type = $2

-- name: lines
-- Newest first; the page is cut before anything is looked up beside it. The facility is the account's present one.
SELECT a.seq, a.at, a.actor, c.name, c.role, c.organization, a.kind, a.type, h.id, a.ver, a.outcome, a.purpose, a.why, a.addr, a.n,
  (SELECT p.id FROM head p WHERE p.pat = a.pat AND p.type = $2) AS patient
FROM (SELECT a.* FROM audit a WHERE {terms} ORDER BY a.seq DESC LIMIT $1) a
LEFT JOIN account c ON c.number = a.actor LEFT JOIN head h ON h.rid = a.rid ORDER BY a.seq DESC

-- name: house_patient
-- Whether the facility ever cared for this patient: then all of the trail of that record is its business, else what its own staff did.
SELECT h.rid, v.body, EXISTS (SELECT FROM care c WHERE c.pat = h.pat AND c.org = $3) AS cared
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.pat = $1 AND h.type = $2 AND NOT h.deleted

-- name: colleagues
SELECT number, name, role, department FROM account
WHERE organization = $1 AND kind = 'person' AND ($2 = '' OR name ILIKE '%' || $2 || '%' OR login = lower($2)) ORDER BY name, number LIMIT 30

-- name: colleague
SELECT number, name, role, department FROM account WHERE number = $1 AND organization = $2

-- name: organizations
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.id = ANY($1::text[]) AND h.type = $2 AND NOT h.deleted
