-- name: by_numbers
-- People one of whose numbers ends like this ($1, $2: the range of the number written backwards).
SELECT DISTINCT n.rid FROM person_number n JOIN person p ON p.rid = n.rid
WHERE n.rev >= $1 AND n.rev < $2 AND p.terms @> $3::text[] AND {allowed} LIMIT $4

-- name: by_terms
-- Every word of the question ($1), in any order. No order: the caller ranks; the planner walks or uses the index as $1 is common or not.
SELECT p.rid FROM person p WHERE p.terms @> $1::text[] AND {allowed} LIMIT $2

-- name: born
SELECT p.rid FROM person p WHERE p.terms @> $1::text[] AND p.terms && $2::text[] AND {allowed} LIMIT $3

-- name: show
SELECT h.rid, h.pat, h.ver, v.body,
       EXISTS (SELECT 1 FROM person a JOIN person b ON b.same = a.same AND b.rid <> a.rid WHERE a.rid = h.rid) AS twin
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.rid = ANY($1::bigint[]) AND NOT h.deleted

-- name: vocabulary
-- The first words of all names, each once: a loose scan that jumps from word to word on str_p.
WITH RECURSIVE w AS (
  (SELECT split_part(norm, ' ', 1) AS word FROM str WHERE p = $1 ORDER BY norm LIMIT 1)
  UNION ALL
  SELECT (SELECT split_part(s.norm, ' ', 1) FROM str s WHERE s.p = $1 AND s.norm > w.word || chr(33) ORDER BY s.norm LIMIT 1)
  FROM w WHERE w.word IS NOT NULL
)
SELECT DISTINCT word FROM w WHERE word IS NOT NULL LIMIT 20000

-- name: seen
-- The last encounter of each of these people whose record the scope opens.
SELECT q.pat, {open} AS open, e.dlo, e.body
FROM unnest($1::bigint[]) AS q(pat) LEFT JOIN LATERAL (
  SELECT h.dlo, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
  WHERE h.pat = q.pat AND h.type = $2 AND NOT h.deleted AND {allowed} ORDER BY h.dlo DESC LIMIT 1) e ON true

-- name: patients
SELECT h.rid, h.pat, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND NOT h.deleted AND h.rid > $2 ORDER BY h.rid LIMIT $3
