-- name: formulary_changed
-- How many drugs there are and when the last was written: whether what is kept in memory still holds. Driven by head_dt.
SELECT count(*) AS n, max(upd) AS at FROM head WHERE type = $1 AND pat IS NULL

-- name: formulary
-- Every drug; about no patient.
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.pat IS NULL AND NOT h.deleted AND {allowed} ORDER BY h.id LIMIT 5000

-- name: tickets
-- Numbers of queues that patients ($1) got since $3, newest last. $4: the term of the code queue-ticket. Driven by head_pat.
SELECT h.pat, h.id, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND h.upd > $3 AND NOT h.deleted AND $4::int8 = ANY(h.terms) AND {allowed}
ORDER BY h.upd LIMIT 2000

-- name: asked
-- What is ordered for patients ($1) since $3, with whether an answer has come. Driven by head_pat.
SELECT h.pat, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = ANY($2::int[]) AND h.dlo > $3 AND NOT h.deleted AND {allowed} LIMIT 4000

-- name: pulse
-- Has anything changed among the visits of a facility ($1) that run between $2 and $3? Driven by care_org; says nothing of anybody.
SELECT count(*) AS n, max(h.upd) AS at FROM care c JOIN head h ON h.rid = c.rid
WHERE c.org = $1 AND c.hi > $2 AND c.lo < $3 AND h.type = $4 AND NOT h.deleted AND {allowed}

-- name: use
-- Once more written by this account: a diagnosis (dx) or a drug with how it was taken.
INSERT INTO clinic_use AS u (account, kind, code, uses, last, content) SELECT $1, $2, c, 1, now(), t FROM unnest($3::text[], $4::text[]) AS x (c, t)
ON CONFLICT (account, kind, code) DO UPDATE SET uses = u.uses + 1, last = now(), content = coalesce(nullif(excluded.content, ''), u.content)

-- name: used
-- What an account writes most, lately first among equals.
SELECT code, uses, content FROM clinic_use WHERE account = $1 AND kind = $2 ORDER BY uses DESC, last DESC LIMIT $3

-- name: phrases
-- An account's own phrases and templates, and those that colleagues of its facility share; own ones first.
SELECT number, account = $1 AS own, kind, name, field, content, shared FROM clinic_phrase
WHERE account = $1 OR (shared AND organization = $2) ORDER BY account <> $1, kind, name LIMIT 300

-- name: phrase_add
-- A phrase or template of this name is one: written again, it is replaced.
INSERT INTO clinic_phrase AS p (account, organization, kind, name, field, content, shared) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account, kind, name) DO UPDATE SET field = excluded.field, content = excluded.content, shared = excluded.shared, at = now()
RETURNING number

-- name: phrase_drop
DELETE FROM clinic_phrase WHERE number = $1 AND account = $2 RETURNING number
