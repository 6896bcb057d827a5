-- name: lines
-- Newest first by seq. The page is cut before anything is looked up beside it.
SELECT a.seq, a.at, a.actor, a.pat, a.action, a.kind, a.outcome, a.purpose, a.n, a.addr, a.why, a.type, a.ver, h.id,
       (SELECT p.id FROM head p WHERE p.pat = a.pat AND p.type = 103) AS patient
FROM (SELECT a.* FROM audit a WHERE {terms} ORDER BY a.seq DESC LIMIT {count}) a
LEFT JOIN head h ON h.rid = a.rid
ORDER BY a.seq DESC

-- name: touched
-- The resources that AuditEvent?entity= names: a part of a statement.
SELECT h.rid FROM unnest({types}::smallint[], {ids}::text[]) AS e(type, id) JOIN head h ON h.id = e.id AND h.type = e.type
