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
SELECT h.pat, h.rid, h.ver, c.hi
FROM care c JOIN head h ON h.rid = c.rid
WHERE c.org = $1 AND c.hi > $2 AND c.lo < $3 AND h.type = $4 AND NOT h.deleted AND {allowed}
ORDER BY c.lo DESC LIMIT 2000

-- name: clinic_day
-- When the latest outpatient visit of a facility before $2 began, within a month. $4: the term of class AMB. Driven by care_org.
SELECT max(c.lo) FROM care c JOIN head h ON h.rid = c.rid
WHERE c.org = $1 AND c.hi > $2::timestamptz - interval '31 days' AND c.lo BETWEEN $2::timestamptz - interval '31 days' AND $2
  AND h.type = $3 AND NOT h.deleted AND $4::int8 = ANY(h.terms) AND {allowed}

-- name: people
SELECT h.pat, h.rid, h.ver FROM head h WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND NOT h.deleted AND {allowed}

-- name: inpatients
-- What the desk says of several patients ($1), in one statement: their diagnoses ($2), what is ordered and open ($3, $4 the term of
-- status active), tasks since $6 ($5), results since $6 that are measures ($7 their type, $8 their codes, $9 the term of what was
-- entered in error), of vital signs ($10) only the latest and what came since the earliest last look ($11). Newest first. Driven by
-- head_pat. What may be seen is asked once: of who is open as a whole, else of each row.
WITH found AS MATERIALIZED (
    SELECT h.*, NULL::bigint AS measure FROM head h WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND NOT h.deleted
    UNION ALL
    SELECT h.*, NULL FROM head h WHERE h.pat = ANY($1::bigint[]) AND h.type = $3 AND NOT h.deleted AND $4::int8 = ANY(h.terms)
    UNION ALL
    SELECT h.*, NULL FROM head h WHERE h.pat = ANY($1::bigint[]) AND h.type = $5 AND h.dlo > $6 AND NOT h.deleted
    UNION ALL
    SELECT h.*, CASE WHEN h.code = ANY($8) THEN h.code ELSE (SELECT t FROM unnest(h.terms) t WHERE t = ANY($8) LIMIT 1) END
    FROM head h
    WHERE h.pat = ANY($1::bigint[]) AND h.type = $7 AND h.dlo > $6 AND (h.code = ANY($8::bigint[]) OR h.terms && $8::bigint[])
      AND h.val IS NOT NULL AND NOT h.deleted AND NOT ($9::int8 = ANY(h.terms))
), pats AS MATERIALIZED (SELECT d.pat, {whole} AS whole FROM unnest($1::bigint[]) AS d (pat))
SELECT * FROM (
    SELECT h.type, h.pat, h.rid, h.ver, h.id, h.measure, extract(epoch FROM h.dlo)::float8 AS at, h.val,
           extract(epoch FROM h.upd)::float8 AS upd, row_number() OVER (PARTITION BY h.pat, h.measure ORDER BY h.dlo DESC, h.rid DESC)
    FROM found h JOIN pats p ON p.pat = h.pat
    WHERE p.whole OR {allowed}
) x WHERE measure IS NULL OR row_number = 1 OR NOT measure = ANY($10::bigint[]) OR upd > $11::float8
ORDER BY at DESC, rid DESC LIMIT 10000

-- name: open_visit
-- The visit that runs now: the latest of this facility first. $2: the term of status in-progress; $3 the facility's key or null.
SELECT h.id FROM head h
WHERE h.pat = $1 AND h.type = $4 AND NOT h.deleted AND $2::int8 = ANY(h.terms) AND {allowed}
ORDER BY EXISTS (SELECT 1 FROM care c WHERE c.rid = h.rid AND c.org = $3) DESC, h.dlo DESC LIMIT 1
