-- name: new
INSERT INTO cover (account, organization, department, person, begins, until, reason, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING number

-- name: running
-- How many somebody stands in for, now or later.
SELECT count(*) FROM cover c WHERE c.account = $1 AND c.until > now()
  AND NOT EXISTS (SELECT FROM cover_end e WHERE e.number = c.number)

-- name: one
SELECT c.*, e.at AS ended FROM cover c LEFT JOIN cover_end e ON e.number = c.number WHERE c.number = $1

-- name: end
INSERT INTO cover_end (number, made_by) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number

-- name: listed
-- Those that concern an account ($1: who stands in, for whom, or by whom) or a facility ($2), running, to come, or over for less than $3 days.
SELECT c.number, c.account, a.name, a.role, c.organization, c.department, c.person, p.name AS person_name, c.begins, c.until, c.reason,
  c.made_by, m.name AS made_by_name, e.at AS ended, x.name AS ended_by_name
FROM cover c JOIN account a ON a.number = c.account JOIN account m ON m.number = c.made_by
LEFT JOIN account p ON p.number = c.person LEFT JOIN cover_end e ON e.number = c.number LEFT JOIN account x ON x.number = e.made_by
WHERE ($1::int IS NULL OR $1 IN (c.account, c.person, c.made_by)) AND ($2::text IS NULL OR c.organization = $2 OR a.organization = $2)
  AND least(c.until, e.at) > now() - make_interval(days => $3)
ORDER BY c.begins DESC, c.number DESC LIMIT 200

-- name: departments
-- The organizations that are part of one, newest version. $2: key of Organization.partof, $3: the type's number.
SELECT h.id, v.body FROM ref r JOIN head h ON h.rid = r.rid AND NOT h.deleted JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE r.p = $2 AND r.type = $3 AND r.id = packed_id($1) ORDER BY h.id LIMIT 500

-- name: strict
SELECT coalesce((SELECT strict FROM facility_rule WHERE organization = $1), false)

-- name: set_strict
INSERT INTO facility_rule (organization, strict, changed_by) VALUES ($1, $2, $3)
ON CONFLICT (organization) DO UPDATE SET strict = excluded.strict, changed = now(), changed_by = excluded.changed_by
