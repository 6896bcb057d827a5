-- name: seen
-- Everything up to now has been seen: the next "since you last looked" begins here. Gives where it began until now.
WITH old AS (SELECT before FROM looked WHERE account = $1 AND pat = $2)
INSERT INTO looked AS l (account, pat, at, before) VALUES ($1, $2, now(), now())
ON CONFLICT (account, pat) DO UPDATE SET at = now(), before = now()
RETURNING (SELECT before FROM old)

-- name: unseen
-- Taken back: "since you last looked" begins at $3 again.
UPDATE looked SET before = least($3, now()) WHERE account = $1 AND pat = $2

-- name: looked_at
-- When this account last looked at these patients.
SELECT pat, coalesce(before, at) AS at FROM looked WHERE account = $1 AND pat = ANY($2::bigint[])

-- name: recent
SELECT pat, at FROM opened WHERE account = $1 ORDER BY at DESC LIMIT 8

-- name: drafts
SELECT pat, form, updated FROM draft WHERE account = $1 AND pat <> 0 ORDER BY updated DESC LIMIT 8

-- name: care
-- Visits at a facility that run now or began today; newest first. $1 the facility's key, $2 the day's start, $3 its end.
SELECT h.pat, h.id, c.lo, c.hi, v.body
FROM care c JOIN head h ON h.rid = c.rid JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE c.org = $1 AND c.hi > $2 AND c.lo < $3 AND h.type = $4 AND NOT h.deleted AND {allowed}
ORDER BY c.lo DESC LIMIT 2000

-- name: clinic_day
-- When the latest outpatient visit of a facility before $2 began, within a month. $4: the term of class AMB. Driven by care_org.
SELECT max(c.lo) FROM care c JOIN head h ON h.rid = c.rid
WHERE c.org = $1 AND c.hi > $2::timestamptz - interval '31 days' AND c.lo BETWEEN $2::timestamptz - interval '31 days' AND $2
  AND h.type = $3 AND NOT h.deleted AND $4::int8 = ANY(h.terms) AND {allowed}

-- name: orders
-- What is ordered and still open ($3: the term of status active) of several patients. Driven by head_pat.
SELECT h.pat, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND NOT h.deleted AND $3::int8 = ANY(h.terms) AND {allowed} LIMIT 2000

-- name: people
SELECT h.pat, h.rid, h.ver, h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND NOT h.deleted AND {allowed}

-- name: results
-- What was measured lately of several patients; the row before each is not needed here.
SELECT h.pat, h.id,
       CASE WHEN h.code = ANY($4) THEN h.code ELSE (SELECT t FROM unnest(h.terms) t WHERE t = ANY($4) LIMIT 1) END AS code,
       extract(epoch FROM h.dlo)::float8 AS at, h.val, extract(epoch FROM h.upd)::float8 AS upd
FROM head h
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND h.dlo > $3 AND (h.code = ANY($4::bigint[]) OR h.terms && $4::bigint[]) AND h.val IS NOT NULL AND NOT h.deleted
  AND NOT ($5::int8 = ANY(h.terms)) AND {allowed}
ORDER BY h.dlo DESC LIMIT 5000

-- name: tasks
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND h.dlo > $3 AND NOT h.deleted AND {allowed} LIMIT 2000

-- name: conditions
SELECT h.pat, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND NOT h.deleted AND {allowed} ORDER BY h.dlo DESC, h.rid DESC LIMIT 5000

-- name: open_visit
-- The visit that runs now: the latest of this facility first. $2: the term of status in-progress; $3 the facility's key or null.
SELECT h.id FROM head h
WHERE h.pat = $1 AND h.type = $4 AND NOT h.deleted AND $2::int8 = ANY(h.terms) AND {allowed}
ORDER BY EXISTS (SELECT 1 FROM care c WHERE c.rid = h.rid AND c.org = $3) DESC, h.dlo DESC LIMIT 1
