-- name: patient
SELECT h.rid, h.ver, h.deleted, v.body, {allowed} AS allowed
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.pat = $1 AND h.type = $2

-- name: columns
-- Every measured value of one patient as arrays instead of bodies: ten thousand values are one row. They stand in the order of head_pat,
-- so nothing is sorted; the caller parts them by code. Ids and times of storing only for the last days (what may be new or must be
-- acknowledged): those are the arrays' ends. $3: the term of "entered in error". date_part gives float8 where extract would make a
-- numeric of each moment.
SELECT array_agg(h.code ORDER BY h.dlo, h.rid) AS codes,
       array_agg(h.rid ORDER BY h.dlo, h.rid) AS rids,
       array_agg(date_part('epoch', h.dlo) ORDER BY h.dlo, h.rid) AS times,
       array_agg(h.val ORDER BY h.dlo, h.rid) AS vals,
       array_agg(h.id ORDER BY h.dlo, h.rid) FILTER (WHERE h.dlo > now() - interval '8 days') AS ids,
       array_agg(date_part('epoch', h.upd) ORDER BY h.dlo, h.rid) FILTER (WHERE h.dlo > now() - interval '8 days') AS upds
FROM head h
WHERE h.pat = $1 AND h.type = $2 AND NOT h.deleted AND h.val IS NOT NULL AND h.dlo > '-infinity'
  AND NOT ($3::int8 = ANY(h.terms)) AND {allowed}

-- name: kinds
-- The codes that a patient's second codings and components (blood pressure) stand under, each with its latest row: a loose scan that
-- jumps from code to code on code2_pat, so it costs as many steps as there are codes.
WITH RECURSIVE k AS (
  (SELECT c.code FROM code2 c WHERE c.pat = $1 ORDER BY c.code LIMIT 1)
  UNION ALL
  SELECT (SELECT c.code FROM code2 c WHERE c.pat = $1 AND c.code > k.code ORDER BY c.code LIMIT 1) FROM k WHERE k.code IS NOT NULL
)
SELECT k.code, l.rid AS last FROM k CROSS JOIN LATERAL (
  SELECT c.rid FROM code2 c JOIN head h ON h.rid = c.rid
  WHERE c.pat = $1 AND c.code = k.code AND c.val IS NOT NULL AND h.type = $2 AND {allowed} ORDER BY c.dlo DESC LIMIT 1) l
WHERE k.code IS NOT NULL

-- name: parts
-- The values of components as columns, a row for each code of $3 (as `columns`; code2 holds rows of living resources only). Void rows
-- are found by their own index (head_void), which asks for the terms as they stand in it.
SELECT c.code,
       array_agg(date_part('epoch', c.dlo) ORDER BY c.dlo, c.rid) AS times,
       array_agg(c.val ORDER BY c.dlo, c.rid) AS vals,
       array_agg((SELECT x.id FROM head x WHERE x.rid = c.rid) ORDER BY c.dlo, c.rid) FILTER (WHERE c.dlo > now() - interval '8 days') AS ids,
       NULL::float8[] AS upds,
       (array_agg(c.rid ORDER BY c.dlo, c.rid))[count(*)] AS last
FROM code2 c
WHERE c.pat = $1 AND c.code = ANY($3::bigint[]) AND c.val IS NOT NULL AND c.dlo > '-infinity'
  AND c.rid <> ALL (ARRAY(SELECT h.rid FROM head h WHERE h.pat = $1 AND h.terms && '{void}'::bigint[]))
  AND c.rid <> ALL (ARRAY(SELECT h.rid FROM head h WHERE h.pat = $1 AND h.type = $2 AND NOT {whole} AND NOT coalesce({each}, false)))
GROUP BY c.code

-- name: bodies
SELECT h.type, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = $1 AND h.type = ANY($2::smallint[]) AND NOT h.deleted AND {allowed} ORDER BY h.dlo DESC, h.rid DESC LIMIT $3

-- name: samples
SELECT h.rid, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.rid = ANY($1::bigint[])

-- name: names
-- Resources about no patient (organisations, practitioners) by id.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.id = ANY($1::text[]) AND h.type = $2 AND h.pat IS NULL AND NOT h.deleted
