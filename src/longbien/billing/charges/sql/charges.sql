-- name: changed
-- What is kept in memory of the price lists still holds while this answers the same.
SELECT count(*) AS n, max(upd) AS at FROM head WHERE type = $1 AND NOT deleted AND pat IS NULL

-- name: definitions
-- Every price that the reader may see. They are about no patient: no line of the trail.
SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND NOT h.deleted AND h.pat IS NULL AND {allowed}

-- name: visit
-- A visit, as far as the reader may see it: whose record it stands in decides what is read next.
SELECT h.pat, h.rid, h.ver, v.body, {allowed} AS allowed
FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.id = $1 AND h.type = $2 AND NOT h.deleted

-- name: bill
-- Everything that a visit's bill is made of, in one statement driven by the patient's key ($1): the charges of the visit ($2 their
-- type, $3 the term of their context), the bills and cards and the patient ($4 types).
SELECT h.type, h.id, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = $1 AND NOT h.deleted AND (h.type = ANY($4::smallint[]) OR (h.type = $2 AND h.terms @> ARRAY[$3::int8])) AND {allowed}

-- name: named
-- Bodies of resources of a type by id, of one patient.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = $1 AND h.type = $2 AND h.id = ANY($3::text[]) AND NOT h.deleted AND {allowed}

-- name: next_number
SELECT nextval('billing_number')

-- name: put
-- The bill as others may count it, kept true by every write of its Invoice and in the same transaction.
INSERT INTO billing_bill AS b (invoice, number, encounter, facility, status, issued, settled, gross, insurer, copay, own, other, to_pay, inpatient)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (invoice) DO UPDATE SET status = excluded.status, settled = coalesce(b.settled, excluded.settled)

-- name: known
-- The bill of this number, if it was given to another Invoice; and the one that stands for this visit, if it is another.
SELECT invoice, number, encounter, status FROM billing_bill
WHERE invoice <> $1 AND (number = $2 OR (encounter = $3 AND status IN ('issued', 'balanced')))

-- name: charged
-- What was charged under these ids, whoever may read it: the house looks before it charges again.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.id = ANY($2::text[]) AND NOT h.deleted

-- name: of_visit
-- All charges of a visit ($2 the term of their context), for the house.
SELECT h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $1 AND h.terms @> ARRAY[$2::int8] AND NOT h.deleted

-- name: ended
INSERT INTO billing_stay (encounter, facility, ended, inpatient) VALUES ($1, $2, $3, $4)
ON CONFLICT (encounter) DO UPDATE SET facility = excluded.facility, ended = excluded.ended, inpatient = excluded.inpatient
