-- name: patient
SELECT h.rid, h.ver, h.deleted, v.body, {allowed} AS allowed
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.pat = $1 AND h.type = $2

-- name: columns
-- Every measured value of one patient, a row for each code: arrays instead of bodies, so ten thousand values are one answer of a few
-- dozen rows. Ids and times of storing only for the last days (what may be new or must be acknowledged). $3: the term of
-- "entered in error". Driven by head_pat.
SELECT h.code,
       array_agg(extract(epoch FROM h.dlo)::float8 ORDER BY h.dlo, h.rid) AS times,
       array_agg(h.val ORDER BY h.dlo, h.rid) AS vals,
       array_agg(h.id ORDER BY h.dlo, h.rid) FILTER (WHERE h.dlo > now() - interval '8 days') AS ids,
       array_agg(extract(epoch FROM h.upd)::float8 ORDER BY h.dlo, h.rid) FILTER (WHERE h.dlo > now() - interval '8 days') AS upds,
       (array_agg(h.rid ORDER BY h.dlo DESC, h.rid DESC))[1] AS last
FROM head h
WHERE h.pat = $1 AND h.type = $2 AND NOT h.deleted AND h.val IS NOT NULL AND h.dlo > '-infinity'
  AND NOT ($3::int8 = ANY(h.terms)) AND {allowed}
GROUP BY h.code

-- name: panels
-- Observations without a value of their own: panels with components (blood pressure), texts. Newest first.
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = $1 AND h.type = $2 AND NOT h.deleted AND h.val IS NULL AND {allowed} ORDER BY h.dlo DESC, h.rid DESC LIMIT $3

-- name: bodies
SELECT h.type, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = $1 AND h.type = ANY($2::smallint[]) AND NOT h.deleted AND {allowed} ORDER BY h.dlo DESC, h.rid DESC LIMIT $3

-- name: samples
SELECT h.rid, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.rid = ANY($1::bigint[])

-- name: names
-- Resources about no patient (organisations, practitioners) by id.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.id = ANY($1::text[]) AND h.type = $2 AND h.pat IS NULL AND NOT h.deleted
