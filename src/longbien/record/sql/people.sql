-- name: by_terms
-- People with a number (citizen ID, insurance, phone): any of the keys $1.
SELECT h.rid FROM head h WHERE h.terms && $1::int8[] AND h.type = $2 AND NOT h.deleted AND {allowed} LIMIT $3

-- name: show
SELECT h.rid, h.pat, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.rid = ANY($1::bigint[])

-- name: vocabulary
-- The first words of all names, each once: a loose scan that jumps from word to word on str_p.
WITH RECURSIVE w AS (
  (SELECT split_part(norm, ' ', 1) AS word FROM str WHERE p = $1 ORDER BY norm LIMIT 1)
  UNION ALL
  SELECT (SELECT split_part(s.norm, ' ', 1) FROM str s WHERE s.p = $1 AND s.norm > w.word || chr(33) ORDER BY s.norm LIMIT 1)
  FROM w WHERE w.word IS NOT NULL
)
SELECT DISTINCT word FROM w WHERE word IS NOT NULL LIMIT 20000
