-- name: deliver
INSERT INTO bank_delivery (bank, way, form, body, sha256, made_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (bank, sha256) DO NOTHING RETURNING number

-- name: delivered
SELECT number FROM bank_delivery WHERE bank = $1 AND sha256 = $2

-- name: delivery
-- One that may be believed: a statement put in by hand only once a second person has released it.
SELECT d.number, d.bank, d.form, d.body, r.error, r.notices FROM bank_delivery_believed d LEFT JOIN bank_delivery_read r ON r.delivery = d.number
WHERE d.number = $1

-- name: held
-- Statements of these accounts ($1: "file" and the account's number) that wait for a second person.
SELECT d.number, d.form, d.body, d.made_by, d.received, a.name AS maker FROM bank_delivery d LEFT JOIN account a ON a.number = d.made_by
WHERE d.way = 'file' AND d.bank = ANY($1::text[]) AND NOT EXISTS (SELECT 1 FROM bank_delivery_release r WHERE r.delivery = d.number)
  AND NOT EXISTS (SELECT 1 FROM bank_delivery_read x WHERE x.delivery = d.number) ORDER BY d.number LIMIT 50

-- name: maker
SELECT made_by FROM bank_delivery WHERE number = $1

-- name: release
INSERT INTO bank_delivery_release (delivery, made_by, by, taken)
SELECT d.number, d.made_by, $2, $3 FROM bank_delivery d WHERE d.number = $1 ON CONFLICT (delivery) DO NOTHING RETURNING delivery

-- name: put
-- What is known by the bank's own number stays as it was first told.
INSERT INTO bank_notice (delivery, bin, account, bank_ref, amount, at, text, payer)
SELECT $1, m.bin, m.account, m.ref, m.amount, m.at, m.text, m.payer
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[])
  AS m(bin, account, ref, amount, at, text, payer)
ON CONFLICT (bin, account, bank_ref) DO NOTHING RETURNING number

-- name: read
INSERT INTO bank_delivery_read (delivery, notices, fresh, error) VALUES ($1, $2, $3, $4) ON CONFLICT (delivery) DO NOTHING

-- name: of_delivery
-- What of a delivery nobody has decided yet.
SELECT n.number FROM bank_notice n WHERE n.delivery = $1
  AND NOT EXISTS (SELECT 1 FROM bank_outcome o WHERE o.notice = n.number) ORDER BY n.number

-- name: undecided
-- What a worker that died has left behind.
SELECT n.number FROM bank_notice n WHERE NOT EXISTS (SELECT 1 FROM bank_outcome o WHERE o.notice = n.number) ORDER BY n.number LIMIT $1

-- name: unread
SELECT d.number FROM bank_delivery_believed d WHERE NOT EXISTS (SELECT 1 FROM bank_delivery_read r WHERE r.delivery = d.number) ORDER BY d.number LIMIT $1

-- name: one
SELECT n.number, n.bin, n.account, n.bank_ref, n.amount, n.at, n.text, n.payer, n.received, o.kind
FROM bank_notice n LEFT JOIN bank_outcome o ON o.notice = n.number WHERE n.number = $1

-- name: outcome
INSERT INTO bank_outcome (notice, facility, kind, reference, invoice, entry) VALUES ($1, $2, $3, $4, $5, $6)

-- name: known_later
-- Money with a reference that we did not know then and know now (it came before its bill was there).
SELECT o.notice FROM bank_outcome o JOIN money_request r ON r.reference = o.reference AND r.facility = o.facility
JOIN money_balance m ON m.account = 'suspense' AND m.subject = o.notice::text AND m.amount <> 0
WHERE o.kind = 'unknown-reference' AND NOT EXISTS (SELECT 1 FROM bank_resolution x WHERE x.notice = o.notice) LIMIT $1

-- name: resolution
INSERT INTO bank_resolution (notice, how, invoice, entry, refund, made_by, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: refund_of
-- A refund by its reference, and whether it has been paid.
SELECT r.number, r.facility, r.amount, r.way, p.entry AS paid, coalesce(a.approved, false) AS approved
FROM money_refund r LEFT JOIN money_refund_answer a ON a.refund = r.number LEFT JOIN money_refund_paid p ON p.refund = r.number
WHERE r.reference = ANY($1::text[])

-- name: refund_paid
INSERT INTO money_refund_paid (refund, entry) VALUES ($1, $2)
