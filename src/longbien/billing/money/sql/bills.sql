-- name: put
INSERT INTO money_bill (invoice, number, facility, encounter, amount, issued) VALUES ($1, $2, $3, $4, $5, $6)

-- name: one
-- A bill with what is still owed of it, and whether it was cancelled.
SELECT b.invoice, b.number, b.facility, b.encounter, b.amount, b.issued, x.how AS ended,
  coalesce((SELECT m.amount FROM money_balance m WHERE m.account = 'receivable' AND m.subject = b.invoice), 0) AS owed
FROM money_bill b LEFT JOIN money_bill_end x ON x.invoice = b.invoice WHERE b.invoice = $1

-- name: by_number
-- The same, by the number that stands on the paper.
SELECT b.invoice, b.number, b.facility, b.encounter, b.amount, b.issued, x.how AS ended,
  coalesce((SELECT m.amount FROM money_balance m WHERE m.account = 'receivable' AND m.subject = b.invoice), 0) AS owed
FROM money_bill b LEFT JOIN money_bill_end x ON x.invoice = b.invoice WHERE b.number = $1

-- name: of_visit
-- The same, of one visit.
SELECT b.invoice, b.number, b.facility, b.encounter, b.amount, b.issued, x.how AS ended,
  coalesce((SELECT m.amount FROM money_balance m WHERE m.account = 'receivable' AND m.subject = b.invoice), 0) AS owed
FROM money_bill b LEFT JOIN money_bill_end x ON x.invoice = b.invoice WHERE b.encounter = $1 ORDER BY b.issued

-- name: open
-- What a facility's bills still wait for, the oldest first.
SELECT b.invoice, b.number, b.facility, b.encounter, b.amount, b.issued, NULL::text AS ended, m.amount AS owed
FROM money_balance m JOIN money_bill b ON b.invoice = m.subject
WHERE m.facility = $1 AND m.account = 'receivable' AND m.amount <> 0 ORDER BY b.issued LIMIT $2

-- name: open_count
SELECT count(*) FROM money_balance WHERE facility = $1 AND account = 'receivable' AND amount <> 0

-- name: paid
-- What was paid last of a facility's bills, on one day, the newest first.
SELECT e.number, e.at, e.kind, e.cause, b.invoice, b.number AS bill, -l.amount AS amount
FROM money_entry e JOIN money_line l ON l.entry = e.number AND l.account = 'receivable' AND l.amount < 0
JOIN money_bill b ON b.invoice = l.subject
WHERE e.facility = $1 AND e.day = $2 AND e.kind = ANY($4::text[]) ORDER BY e.number DESC LIMIT $3

-- name: cancel
INSERT INTO money_bill_end (invoice, how) VALUES ($1, 'cancelled')

-- name: deposit_of
SELECT coalesce(-amount, 0) FROM money_balance WHERE account = 'deposit' AND subject = $1

-- name: account_of
-- The account that a facility takes money on now.
SELECT a.number, a.bin, a.account, a.holder FROM money_bank_account a
WHERE a.facility = $1 AND NOT EXISTS (SELECT 1 FROM money_bank_account_end x WHERE x.number = a.number) ORDER BY a.number DESC LIMIT 1

-- name: facility_of_account
SELECT facility FROM money_bank_account WHERE bin = $1 AND account = $2

-- name: accounts
-- Every account of a facility, the newest first.
SELECT a.number, a.bin, a.account, a.holder, a.begun, x.at AS ended FROM money_bank_account a
LEFT JOIN money_bank_account_end x ON x.number = a.number WHERE a.facility = $1 ORDER BY a.number DESC

-- name: new_account
INSERT INTO money_bank_account (facility, bin, account, holder) VALUES ($1, $2, $3, $4) ON CONFLICT (bin, account) DO NOTHING RETURNING number

-- name: end_account
INSERT INTO money_bank_account_end (number) VALUES ($1) ON CONFLICT DO NOTHING

-- name: request
INSERT INTO money_request (reference, purpose, facility, encounter, invoice, amount, bin, account, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: requests
-- The references of a bill that are still good.
SELECT r.reference, r.amount, r.bin, r.account, r.made FROM money_request r WHERE r.invoice = $1
  AND NOT EXISTS (SELECT 1 FROM money_request_end e WHERE e.reference = r.reference) ORDER BY r.made DESC

-- name: deposit_requests
-- The references of a visit's deposit that are still good.
SELECT r.reference, r.amount, r.bin, r.account, r.made FROM money_request r WHERE r.encounter = $1 AND r.purpose = 'deposit'
  AND NOT EXISTS (SELECT 1 FROM money_request_end e WHERE e.reference = r.reference) ORDER BY r.made DESC

-- name: by_reference
-- Whose a reference is, and how it ended.
SELECT r.reference, r.purpose, r.facility, r.encounter, r.invoice, r.amount, r.bin, r.account, e.how
FROM money_request r LEFT JOIN money_request_end e ON e.reference = r.reference WHERE r.reference = ANY($1::text[])

-- name: end_request
INSERT INTO money_request_end (reference, how, entry) VALUES ($1, $2, $3) ON CONFLICT (reference) DO NOTHING

-- name: end_others
-- Every reference of a bill that is still open ends.
INSERT INTO money_request_end (reference, how, entry)
SELECT r.reference, $2, $3 FROM money_request r WHERE r.invoice = $1
  AND NOT EXISTS (SELECT 1 FROM money_request_end e WHERE e.reference = r.reference) ON CONFLICT (reference) DO NOTHING
