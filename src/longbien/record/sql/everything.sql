-- name: of_patient
-- One page of a patient's compartment in order of rid, bodies and all; the Patient itself has been asked for before. The index on
-- the patient's key drives both halves; the second is what belongs to several patients.
SELECT x.*, v.body FROM (
  SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd FROM head h
  WHERE h.pat = $1 AND h.type <> 103 AND h.rid > $2 AND NOT h.deleted AND {more}
  UNION
  SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd FROM head h
  WHERE h.terms @> ARRAY[$3::int8] AND h.type <> 103 AND h.rid > $2 AND NOT h.deleted AND {more}
  ORDER BY rid LIMIT $4
) x JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY x.rid

-- name: of_encounter
-- What points to an encounter by its own search parameters ($1: their keys).
SELECT x.*, v.body FROM (
  SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd FROM head h
  WHERE h.rid IN (SELECT r.rid FROM ref r WHERE r.p = ANY($1::int4[]) AND r.type = $2 AND r.id = packed_id($3))
    AND h.rid > $4 AND NOT h.deleted AND {more}
  ORDER BY h.rid LIMIT $5
) x JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY x.rid

-- name: of_all
-- Every patient's, in order of rid.
SELECT x.*, v.body FROM (
  SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd FROM head h
  WHERE h.pat IS NOT NULL AND h.rid > $1 AND NOT h.deleted AND {more} ORDER BY h.rid LIMIT $2
) x JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY x.rid

-- name: one
SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd, h.deleted, v.body, {allowed} AS allowed
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.id = $1 AND h.type = $2

-- name: named
-- What a page refers to and no patient's record holds (or, for an encounter, its patient's does).
SELECT h.rid, h.ver, h.type, h.id, h.pat, h.upd, v.body
FROM unnest($1::text[], $2::smallint[]) AS w(id, type) JOIN head h ON h.id = w.id AND h.type = w.type
JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE NOT h.deleted AND (h.pat IS NULL OR h.pat = $3) AND {more}

-- name: withheld
SELECT EXISTS (SELECT 1 FROM head h WHERE h.pat = $1 AND h.type = ANY($2::smallint[]) AND NOT h.deleted AND {withheld})
