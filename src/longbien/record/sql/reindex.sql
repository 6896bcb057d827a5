-- name: types
-- Types that have rows: a walk along head_dt from type to type.
WITH RECURSIVE t AS (
  (SELECT type FROM head ORDER BY type LIMIT 1)
  UNION ALL SELECT (SELECT h.type FROM head h WHERE h.type > t.type ORDER BY h.type LIMIT 1) FROM t WHERE t.type IS NOT NULL)
SELECT type FROM t WHERE type IS NOT NULL

-- name: ask
SELECT reindex_ask($1::smallint[], (SELECT stamp FROM search_state))

-- name: progress
SELECT type, done, changed, total, finished FROM reindex WHERE $1::smallint[] IS NULL OR type = ANY($1::smallint[]) ORDER BY type

-- name: waiting
SELECT EXISTS (SELECT FROM reindex WHERE finished IS NULL)

-- name: floors
-- The first look at a pass that was asked for: every transaction that is under way now has to end first.
UPDATE reindex r SET floor = pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
  total = (SELECT count(*) FROM (SELECT FROM head h WHERE h.type = r.type AND NOT h.deleted LIMIT 5000000) x)
WHERE r.floor IS NULL AND r.finished IS NULL

-- name: next
SELECT type, stamp, dlo, rid, done, changed FROM reindex
WHERE finished IS NULL AND floor <= settled_xid()
ORDER BY asked, type LIMIT 1

-- name: hold
-- The pass as it was looked at, for the one who puts the batch in. A change of what is indexed, or another worker's batch, has moved it on;
-- SKIP LOCKED: then this one's is dropped.
SELECT true FROM reindex WHERE type = $1 AND stamp = $2 AND finished IS NULL
  AND (dlo, rid) IS NOT DISTINCT FROM ($3::timestamptz, $4::bigint) FOR UPDATE SKIP LOCKED

-- name: batch
-- Along head_dt from where the pass has come to; no OR, so that a plan kept for all values still begins there.
SELECT h.rid, h.ver, h.type, h.id, h.upd, h.dlo, v.body FROM (
  SELECT * FROM head h WHERE h.type = $1 AND NOT h.deleted
    AND (h.dlo, h.rid) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::bigint, 9223372036854775807))
  ORDER BY h.dlo DESC, h.rid DESC LIMIT $4) h
JOIN ver v ON v.rid = h.rid AND v.ver = h.ver ORDER BY h.dlo DESC, h.rid DESC

-- name: reindex
SELECT record_reindex($1::head[], $2::str[], $3::ix_date[], $4::ix_qty[], $5::code2[], $6::care[])

-- name: moved
UPDATE reindex SET dlo = $3, rid = $4, done = done + $5, changed = changed + $6, moved = now() WHERE type = $1 AND stamp = $2

-- name: done
SELECT reindex_done($1::smallint, $2::bigint)

-- name: refs
SELECT record_reindex_refs($1::bigint[], $2::int[], $3::bigint[], $4::int[], $5::smallint[], $6::bytea[])

-- name: ties
SELECT record_reindex_ties($1::bigint[], $2::int[], $3::tie[])

-- name: words
SELECT record_reindex_words($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])

-- name: older
-- The versions below these.
SELECT v.rid, v.body FROM unnest($1::bigint[], $2::int[]) AS w(rid, ver) JOIN ver v ON v.rid = w.rid AND v.ver < w.ver WHERE v.op <> 3

-- name: newest
-- Which of these versions are still the newest; the rows are locked already.
SELECT h.rid FROM head h JOIN unnest($1::bigint[], $2::int[]) AS w(rid, ver) ON w.rid = h.rid AND w.ver = h.ver WHERE NOT h.deleted
