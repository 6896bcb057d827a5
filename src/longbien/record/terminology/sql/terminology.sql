-- name: carrying
-- Current resources that carry one of these terms (keys of a canonical url, with its type). The keys hold the type, so no other
-- condition drives; {allowed} is the scope's own.
SELECT h.rid, h.ver, h.id FROM head h WHERE h.terms && $1::int8[] AND NOT h.deleted AND {allowed} ORDER BY h.rid DESC LIMIT $2

-- name: bodies
SELECT v.rid, v.body FROM unnest($1::bigint[], $2::int[]) w(rid, ver) JOIN ver v ON v.rid = w.rid AND v.ver = w.ver
