-- name: rows
-- Every row of a record ($1 its key), and rows of others that speak of this patient too ($2: the term of being in a second
-- compartment); Patients themselves are left out ($3).
SELECT h.rid, h.type, h.id, h.ver, h.pat, h.upd, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE (h.pat = $1 OR h.terms @> ARRAY[$2::int8]) AND h.type <> $3 AND NOT h.deleted AND {allowed} ORDER BY h.rid

-- name: versions
-- Bodies of earlier versions, by (rid, version).
SELECT v.rid, v.ver, v.body FROM unnest($1::bigint[], $2::int[]) AS asked(rid, ver) JOIN ver v USING (rid, ver)

-- name: heads
SELECT h.rid, h.type, h.id, h.ver, h.pat, h.deleted, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.id = ANY($1::text[]) AND h.type = ANY($2::smallint[]) AND {allowed}

-- name: since
-- What a record got after a moment and was not moved into it: first written then.
SELECT h.rid, h.type, h.id, h.ver, v.body, first.upd AS at FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
JOIN ver first ON first.rid = h.rid AND first.ver = 1
WHERE h.pat = $1 AND h.type <> $2 AND NOT h.deleted AND first.upd > $3 AND {allowed} ORDER BY first.upd, h.rid

-- name: new
INSERT INTO reception_merge (provenance, survivor, merged, org, reason, moved, made_by) VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: undone
INSERT INTO reception_unmerge (provenance, undone, made_by) VALUES ($1, $2, $3)

-- name: one
-- A joining, and when it was taken back.
SELECT m.*, u.at AS undone_at FROM reception_merge m LEFT JOIN reception_unmerge u USING (provenance) WHERE m.provenance = $1

-- name: listed
-- Joinings of a facility, the latest first.
SELECT m.*, u.at AS undone_at, a.name AS by FROM reception_merge m LEFT JOIN reception_unmerge u USING (provenance)
LEFT JOIN account a ON a.number = m.made_by WHERE m.org = $1 ORDER BY m.at DESC LIMIT 50

-- name: of_patient
-- Joinings that stand and touch this patient.
SELECT m.*, NULL::timestamptz AS undone_at FROM reception_merge m
WHERE (m.survivor = $1 OR m.merged = $1) AND NOT EXISTS (SELECT 1 FROM reception_unmerge u WHERE u.provenance = m.provenance)
ORDER BY m.at DESC

-- name: accounts
-- Who signs in as one of these patients.
SELECT DISTINCT patient FROM account WHERE patient = ANY($1::text[])

-- name: twins
-- Pairs of one name and birth date of whom one is under care here ($1: the facility). Pairs that are linked already are told apart by
-- the caller.
SELECT a.pat AS one, b.pat AS other FROM person a JOIN person b ON b.same = a.same AND b.rid > a.rid
WHERE EXISTS (SELECT 1 FROM care c WHERE c.org = $1 AND c.pat IN (a.pat, b.pat) AND c.hi > now() - interval '30 days') LIMIT 60

-- name: drafts
-- What colleagues are writing on a record ($1: its key) that was joined into another ($2) stands there too. It is copied, so that
-- taking the joining back finds it where it was.
INSERT INTO draft (account, pat, form, content, updated) SELECT account, $2, form, content, updated FROM draft WHERE pat = $1
ON CONFLICT DO NOTHING

-- name: drafts_of_visits
-- Taking back: what was written on about the visits ($3) that go back to the record ($1) out of the one that stands ($2).
INSERT INTO draft (account, pat, form, content, updated)
SELECT account, $1, form, content, updated FROM draft WHERE pat = $2 AND split_part(form, '.', 2) = ANY($3::text[])
ON CONFLICT (account, pat, form) DO UPDATE SET content = excluded.content, updated = excluded.updated

-- name: drafts_back
-- And the copies that nobody wrote on are gone.
DELETE FROM draft d USING draft o WHERE d.pat = $2 AND o.pat = $1 AND o.account = d.account AND o.form = d.form
AND o.content = d.content
