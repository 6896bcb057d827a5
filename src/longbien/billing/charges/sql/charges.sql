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
SELECT h.type, h.id, h.rid, h.ver FROM head h
WHERE h.pat = $1::bigint AND NOT h.deleted AND (h.type = ANY($4::smallint[]) OR (h.type = $2 AND h.terms @> ARRAY[$3::int8])) AND {allowed}

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

-- name: leaving
-- Stays of a facility ($1 its key, $2 Encounter, $3 the term of class IMP) that run, and those that ended since $4 ($5 the facility's
-- id): who is to leave today is chosen from their bodies.
SELECT h.pat, h.rid, h.ver, h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.type = $2 AND NOT h.deleted AND {allowed} AND (
  h.rid IN (SELECT c.rid FROM care c WHERE c.org = $1 AND c.hi > now()) AND h.terms @> ARRAY[$3::int8]
  OR h.id IN (SELECT s.encounter FROM billing_stay s WHERE s.facility = $5 AND s.ended >= $4 AND s.inpatient))

-- name: discharges
-- Discharges that are being prepared (Task, $2) among these patients ($1): $3 the term of their code.
SELECT h.pat, h.id, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND h.type = $2 AND h.terms @> ARRAY[$3::int8] AND NOT h.deleted AND {allowed}

-- name: holding
-- What may hold the bills of these stays open: charges and orders ($2 types) that name them ($3 terms), bills, cards and persons
-- ($4 types) of their patients ($1).
SELECT h.type, h.pat, h.id, h.ver, v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver
WHERE h.pat = ANY($1::bigint[]) AND NOT h.deleted AND {allowed}
  AND (h.type = ANY($4::smallint[]) OR (h.type = ANY($2::smallint[]) AND h.terms && $3::bigint[]))

-- name: unsigned
-- Papers of these stays ($2 the terms of encounter) that are not signed ($3 Composition, $4 the term of status preliminary, $5 the
-- terms of the papers' kinds): that there are some and since when, nothing of what they say.
SELECT t AS term, min(h.dlo) AS since FROM head h, unnest(h.terms) t
WHERE h.pat = ANY($1::bigint[]) AND h.type = $3 AND t = ANY($2::bigint[]) AND h.terms @> ARRAY[$4::int8]
  AND h.terms && $5::bigint[] AND NOT h.deleted GROUP BY t

-- name: same_day
-- Of the stays that ended on each day since $2 (Hanoi's wall clock), how many bills were settled on that day, at one facility ($1) or
-- at every one (null).
SELECT s.facility, (s.ended AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, count(*) AS ended,
       count(*) FILTER (WHERE (b.settled AT TIME ZONE 'Asia/Ho_Chi_Minh')::date <= (s.ended AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS settled
FROM billing_stay s LEFT JOIN billing_bill b ON b.encounter = s.encounter AND b.status IN ('issued', 'balanced')
WHERE s.inpatient AND s.ended >= $2 AND ($1::text IS NULL OR s.facility = $1) GROUP BY 1, 2 ORDER BY 1, 2

-- name: minutes
-- Minutes from the end of a stay to its settling, the middle one, of stays that ended in a span of time at a facility.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM b.settled - s.ended) / 60)) AS middle
FROM billing_stay s JOIN billing_bill b ON b.encounter = s.encounter AND b.status IN ('issued', 'balanced')
WHERE s.inpatient AND s.facility = $1 AND s.ended >= $2 AND s.ended < $3 AND b.settled IS NOT NULL

-- name: nudge
INSERT INTO billing_nudge (encounter, item, facility, made_by) VALUES ($1, $2, $3, $4)

-- name: nudges
SELECT encounter, item, max(at) AS at FROM billing_nudge WHERE facility = $1 AND at >= $2 GROUP BY 1, 2

-- name: nudged
SELECT item, max(at) AS at FROM billing_nudge WHERE encounter = $1 AND at > now() - interval '12 hours' GROUP BY 1 ORDER BY 2 DESC LIMIT 5

-- name: count
-- How many charges a visit has that the reader may see ($2 the term of their context), of one patient.
SELECT count(*) FROM head h WHERE h.pat = $1 AND h.type = $3 AND h.terms @> ARRAY[$2::int8] AND NOT h.deleted AND {allowed}

-- name: bill_of
SELECT number, status, to_pay, settled FROM billing_bill WHERE encounter = $1 AND status IN ('issued', 'balanced')

-- name: revenue
-- Bills by day of issue, at a facility: how many, the whole, what the insurer bears, what patients pay and have paid.
SELECT (issued AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, count(*) AS n, sum(gross) AS gross, sum(insurer) AS insurer,
       sum(to_pay) AS patient, sum(to_pay) FILTER (WHERE status = 'balanced' OR to_pay <= 0) AS paid, sum(other) AS other
FROM billing_bill WHERE facility = $1 AND issued >= $2 AND status IN ('issued', 'balanced') GROUP BY 1 ORDER BY 1 DESC

-- name: outstanding
-- Issued and not paid, by how long ago.
SELECT CASE WHEN issued > now() - interval '1 day' THEN 0 WHEN issued > now() - interval '7 days' THEN 1
            WHEN issued > now() - interval '30 days' THEN 2 ELSE 3 END AS age, count(*) AS n, sum(to_pay) AS dong
FROM billing_bill WHERE facility = $1 AND status = 'issued' AND to_pay > 0 GROUP BY 1 ORDER BY 1

-- name: unbilled
-- Visits and stays that ended since $2 and have no bill that stands.
SELECT s.inpatient, count(*) AS n FROM billing_stay s
WHERE s.facility = $1 AND s.ended >= $2
  AND NOT EXISTS (SELECT 1 FROM billing_bill b WHERE b.encounter = s.encounter AND b.status IN ('issued', 'balanced')) GROUP BY 1

-- name: to_issue
-- Visits and stays of a facility that ended since $2 and have no bill that stands: the longest waiting first.
SELECT s.encounter, s.ended FROM billing_stay s
WHERE s.facility = $1 AND s.ended >= $2
  AND NOT EXISTS (SELECT 1 FROM billing_bill b WHERE b.encounter = s.encounter AND b.status IN ('issued', 'balanced'))
ORDER BY s.ended LIMIT $3
