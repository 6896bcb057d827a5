-- name: departments
-- The departments of a facility ($2: the term of partof). Organizations carry no patient.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND $2::int8 = ANY(h.terms) AND NOT h.deleted AND h.pat IS NULL ORDER BY h.id LIMIT 500

-- name: locations
-- Wards, rooms and beds of these departments ($2: the terms of organization).
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms && $2::bigint[] AND NOT h.deleted AND h.pat IS NULL ORDER BY h.id LIMIT 5000

-- name: lying
-- Stays that hold or are promised a bed of a ward: of the visits that run at the facility ($1 its key), those at one of these places
-- ($2 the terms of Encounter.location).
SELECT h.pat, h.rid, h.ver, h.id FROM care c JOIN head h ON h.rid = c.rid
WHERE c.org = $1 AND c.hi > now() AND h.type = $3 AND NOT h.deleted AND h.terms && $2::bigint[] AND {allowed}

-- name: staying
-- The same of one patient ($1): the stays of theirs that run at any facility.
SELECT h.pat, h.rid, h.ver, h.id FROM head h
WHERE h.pat = $1 AND h.terms && $2::bigint[] AND h.type = $3 AND NOT h.deleted AND {allowed}

-- name: rows
-- Everything that the pages of a ward show of who lies there, in one statement; who lies is one of the two above. Of each patient: the
-- stay, the person, flags, allergies, vital signs since $4, prescriptions that run, what was given since $4, open orders and tasks,
-- results since $5 as far as they are measures ($6), fluids, diet. kind -1: not for this reader. What may be seen is asked once, of
-- what was found, and not row by row of who is open as a whole: five conditions cost more to plan than the rows to read. told: its
-- body is wanted, which record.recall may have.
WITH lying AS MATERIALIZED ({lying}),
pats AS MATERIALIZED (SELECT d.pat, {whole} AS whole FROM (SELECT DISTINCT pat FROM lying) d),
found AS MATERIALIZED (
    SELECT h.*, p.whole, true AS told FROM pats p JOIN head h ON h.pat = p.pat WHERE h.type = ANY($7::smallint[]) AND NOT h.deleted
    UNION ALL
    SELECT h.*, p.whole, true FROM pats p JOIN head h ON h.pat = p.pat
    WHERE h.type = ANY($8::smallint[]) AND h.terms && $9::bigint[] AND NOT h.deleted
    UNION ALL
    SELECT h.*, p.whole, true FROM pats p JOIN head h ON h.pat = p.pat WHERE h.type = $10 AND h.dlo > $4 AND NOT h.deleted
    UNION ALL
    SELECT h.*, p.whole, true FROM pats p JOIN head h ON h.pat = p.pat
    WHERE h.type = $11 AND h.dlo > $4 AND h.terms && $12::bigint[] AND NOT h.deleted
    UNION ALL
    SELECT h.*, p.whole, false FROM pats p JOIN head h ON h.pat = p.pat
    WHERE h.type = $11 AND h.dlo > $5 AND (h.code = ANY($6::bigint[]) OR h.terms && $6::bigint[]) AND h.val IS NOT NULL
      AND NOT ($13::int8 = ANY(h.terms)) AND NOT h.deleted
)
SELECT h.type, h.pat, h.id, h.ver, h.rid, true AS told, NULL::bigint AS code, NULL::float8 AS val, h.dlo, h.upd
FROM lying h0 JOIN head h ON h.rid = h0.rid
UNION ALL
SELECT h.type, h.pat, h.id, h.ver, h.rid, h.told,
       CASE WHEN h.told THEN NULL WHEN h.code = ANY($6) THEN h.code
            ELSE (SELECT t FROM unnest(h.terms) t WHERE t = ANY($6) LIMIT 1) END,
       CASE WHEN NOT h.told THEN h.val END, h.dlo, h.upd
FROM found h
WHERE h.whole OR {allowed}

-- name: bare
-- Of one patient ($1) the stays that run and the person ($4), as `rows` gives them.
WITH lying AS MATERIALIZED ({lying})
SELECT h.type, h.pat, h.id, h.ver, h.rid, true AS told, NULL::bigint AS code, NULL::float8 AS val, h.dlo, h.upd
FROM lying h0 JOIN head h ON h.rid = h0.rid
UNION ALL
SELECT h.type, h.pat, h.id, h.ver, h.rid, true, NULL, NULL, h.dlo, h.upd
FROM head h WHERE h.pat = $1 AND h.type = $4 AND NOT h.deleted AND {allowed}

-- name: beds
-- The beds themselves as they are now: being cleaned, closed.
SELECT h.id, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.id = ANY($2::text[]) AND NOT h.deleted

-- name: holding
-- Who else holds a bed: visits that run ($3: the terms of such statuses) with this place among their locations ($2). Not this one ($4).
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms @> ARRAY[$2::int8] AND h.terms && $3::bigint[] AND h.rid <> $4 AND NOT h.deleted LIMIT 50

-- name: place
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.type = $1 AND h.id = $2 AND NOT h.deleted

-- name: died
-- A Patient ($1, $2) who has died ($3: the term that says so).
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.id = $2 AND h.terms @> ARRAY[$3::int8] AND NOT h.deleted

-- name: one_at_a_time
SELECT pg_advisory_xact_lock($1)

-- name: looked
SELECT pat, coalesce(before, at) AS at FROM looked WHERE account = $1 AND pat = ANY($2::bigint[])

-- name: given
-- What else was written of one order ($3: the term of request) of a patient since $4. Not this ($5).
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = $1 AND h.type = $2 AND h.terms @> ARRAY[$3::int8] AND h.dlo > $4 AND h.rid <> $5 AND NOT h.deleted LIMIT 200
