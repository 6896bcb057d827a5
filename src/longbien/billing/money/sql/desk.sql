-- name: shift
-- The shift that a cashier has open, with what the ledger says lies in it.
SELECT s.number, s.facility, s.cashier, s.desk, s.float, s.opened,
  coalesce((SELECT m.amount FROM money_balance m WHERE m.account = 'cash' AND m.subject = s.number::text), 0) AS cash
FROM money_shift s WHERE s.cashier = $1 AND NOT EXISTS (SELECT 1 FROM money_shift_end e WHERE e.shift = s.number) ORDER BY s.number DESC LIMIT 1

-- name: open_shift
INSERT INTO money_shift (facility, cashier, desk, float) VALUES ($1, $2, $3, $4) RETURNING number

-- name: is_open
SELECT NOT EXISTS (SELECT 1 FROM money_shift_end e WHERE e.shift = $1)

-- name: close_shift
INSERT INTO money_shift_end (shift, counted, expected, count, reason) VALUES ($1, $2, $3, $4::jsonb, $5)

-- name: shifts
-- The shifts that were open on a day of Hanoi's clock, the newest first. $2, $3: when the day begins and ends.
SELECT s.number, s.cashier, s.desk, s.float, s.opened, e.closed, e.counted, e.expected, e.reason, e.count::text AS count, a.name,
  coalesce((SELECT m.amount FROM money_balance m WHERE m.account = 'cash' AND m.subject = s.number::text), 0) AS cash
FROM money_shift s JOIN account a ON a.number = s.cashier LEFT JOIN money_shift_end e ON e.shift = s.number
WHERE s.facility = $1 AND s.opened < $3 AND (e.closed IS NULL OR e.closed >= $2) ORDER BY s.number DESC

-- name: of_shift
-- What went through a shift's drawer, in its order.
SELECT e.number, e.kind, e.cause, e.at, e.note, l.amount,
  (SELECT b.number FROM money_line r JOIN money_bill b ON b.invoice = r.subject WHERE r.entry = e.number AND r.account = 'receivable' LIMIT 1) AS bill
FROM money_line l JOIN money_entry e ON e.number = l.entry WHERE l.account = 'cash' AND l.subject = $1 ORDER BY e.number

-- name: by_key
SELECT number FROM money_entry WHERE key = $1

-- name: slip
INSERT INTO money_slip (entry, terminal, rrn, approval, tail, amount) VALUES ($1, $2, $3, $4, $5, $6)

-- name: receipt
-- One entry that took money, as a receipt says it: the bill or the visit it was for, and who took it.
SELECT e.number, e.kind, e.facility, e.at, e.made_by, e.note, a.name AS by_name,
  r.subject AS invoice, coalesce(-r.amount, -d.amount) AS amount, b.number AS bill, coalesce(b.encounter, d.subject) AS encounter, s.tail,
  s.approval
FROM money_entry e
LEFT JOIN money_line r ON r.entry = e.number AND r.account = 'receivable' AND r.amount < 0
LEFT JOIN money_line d ON d.entry = e.number AND d.account = 'deposit' AND d.amount < 0
LEFT JOIN money_bill b ON b.invoice = r.subject
LEFT JOIN money_slip s ON s.entry = e.number
LEFT JOIN account a ON a.number = e.made_by AND e.made_by > 0
WHERE e.number = $1

-- name: receipts_of
-- The entries that took money for a bill, the newest first.
SELECT e.number, e.kind, e.at, -l.amount AS amount FROM money_line l JOIN money_entry e ON e.number = l.entry
WHERE l.account = 'receivable' AND l.subject = $1 AND l.amount < 0 ORDER BY e.number DESC

-- name: deposits_of
-- What was taken from and given to a visit's deposit, in its order.
SELECT e.number, e.kind, e.at, e.note, -l.amount AS amount FROM money_line l JOIN money_entry e ON e.number = l.entry
WHERE l.account = 'deposit' AND l.subject = $1 ORDER BY e.number

-- name: exceptions
-- Money that somebody has to look at, the oldest first: what the ledger holds as not explained.
SELECT n.number, n.bin, n.account, n.bank_ref, n.amount, n.at, n.text, n.payer, o.kind, o.reference, o.invoice, o.facility,
  abs(m.amount) AS held, m.account AS side, b.number AS bill, b.encounter,
  (SELECT r.number FROM money_refund r LEFT JOIN money_refund_answer a ON a.refund = r.number
   WHERE r.source = 'suspense' AND r.subject = n.number::text AND a.refund IS NULL LIMIT 1) AS asked
FROM money_balance m JOIN bank_notice n ON n.number = CASE WHEN m.account IN ('suspense', 'outgoing') THEN m.subject::bigint END JOIN bank_outcome o ON o.notice = n.number
LEFT JOIN money_bill b ON b.invoice = o.invoice
WHERE m.account IN ('suspense', 'outgoing') AND m.amount <> 0 AND m.facility IN ($1, '') ORDER BY n.number LIMIT $2

-- name: exception
-- One of them.
SELECT n.number, n.amount, n.at, n.text, o.kind, o.reference, o.invoice, o.facility, b.encounter, b.number AS bill,
  coalesce((SELECT -m.amount FROM money_balance m WHERE m.account = 'suspense' AND m.subject = n.number::text), 0) AS held,
  coalesce((SELECT m.amount FROM money_balance m WHERE m.account = 'outgoing' AND m.subject = n.number::text), 0) AS gone
FROM bank_notice n JOIN bank_outcome o ON o.notice = n.number LEFT JOIN money_bill b ON b.invoice = o.invoice WHERE n.number = $1

-- name: exceptions_count
SELECT count(*) FROM money_balance m WHERE m.account IN ('suspense', 'outgoing') AND m.amount <> 0 AND m.facility IN ($1, '')

-- name: alike
-- Bills of a facility that owe exactly this.
SELECT b.invoice, b.number, b.encounter, m.amount AS owed FROM money_balance m JOIN money_bill b ON b.invoice = m.subject
WHERE m.facility = $1 AND m.account = 'receivable' AND m.amount = $2 ORDER BY b.issued DESC LIMIT 3

-- name: unread
-- Deliveries that nobody could read.
SELECT d.number, d.bank, d.way, d.received, r.error FROM bank_delivery_read r JOIN bank_delivery d ON d.number = r.delivery
WHERE r.error <> '' AND r.at > $1 ORDER BY d.number DESC LIMIT 20

-- name: ask_refund
INSERT INTO money_refund (reference, facility, source, subject, amount, way, bin, account, holder, reason, asked_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING number

-- name: waiting_refunds
-- What of a source was asked for and not answered yet.
SELECT coalesce(sum(r.amount), 0)::bigint FROM money_refund r LEFT JOIN money_refund_answer a ON a.refund = r.number
WHERE r.source = $1 AND r.subject = $2 AND a.refund IS NULL

-- name: refund
-- One refund with all that became of it.
SELECT r.*, a.approved, a.by AS answered_by, a.reason AS answer, a.at AS answered, s.file, p.entry AS paid, p.at AS paid_at,
  one.name AS asked_name, two.name AS answered_name
FROM money_refund r JOIN account one ON one.number = r.asked_by LEFT JOIN money_refund_answer a ON a.refund = r.number
LEFT JOIN account two ON two.number = a.by LEFT JOIN money_refund_sent s ON s.refund = r.number
LEFT JOIN money_refund_paid p ON p.refund = r.number WHERE r.number = $1

-- name: refunds
-- A facility's refunds that are not over, then the newest that are.
SELECT r.*, a.approved, a.by AS answered_by, a.reason AS answer, a.at AS answered, s.file, p.entry AS paid, p.at AS paid_at,
  one.name AS asked_name, two.name AS answered_name
FROM money_refund r JOIN account one ON one.number = r.asked_by LEFT JOIN money_refund_answer a ON a.refund = r.number
LEFT JOIN account two ON two.number = a.by LEFT JOIN money_refund_sent s ON s.refund = r.number
LEFT JOIN money_refund_paid p ON p.refund = r.number WHERE r.facility = $1
ORDER BY (a.approved IS FALSE OR p.entry IS NOT NULL), r.number DESC LIMIT $2

-- name: refunds_of
-- The refunds of one visit's deposit, or of one notice.
SELECT r.number, r.amount, r.way, r.asked, a.approved, p.entry AS paid FROM money_refund r
LEFT JOIN money_refund_answer a ON a.refund = r.number LEFT JOIN money_refund_paid p ON p.refund = r.number
WHERE r.source = $1 AND r.subject = $2 ORDER BY r.number

-- name: answer_refund
INSERT INTO money_refund_answer (refund, asked_by, by, approved, reason, entry) VALUES ($1, $2, $3, $4, $5, $6)

-- name: to_send
-- Approved, by transfer, in no file yet, and not paid already (somebody sent it by hand, and the bank has told us).
SELECT r.number, r.reference, r.amount, r.bin, r.account, r.holder FROM money_refund r JOIN money_refund_answer a ON a.refund = r.number
WHERE r.facility = $1 AND r.way = 'transfer' AND a.approved AND NOT EXISTS (SELECT 1 FROM money_refund_sent s WHERE s.refund = r.number)
  AND NOT EXISTS (SELECT 1 FROM money_refund_paid p WHERE p.refund = r.number) ORDER BY r.number

-- name: put_file
INSERT INTO money_refund_file (facility, body, made_by) VALUES ($1, $2, $3) RETURNING number

-- name: put_sent
INSERT INTO money_refund_sent (refund, file) SELECT unnest($1::bigint[]), $2

-- name: file
SELECT body FROM money_refund_file WHERE number = $1 AND facility = $2

-- name: files
SELECT f.number, f.at, a.name, (SELECT count(*) FROM money_refund_sent s WHERE s.file = f.number) AS n FROM money_refund_file f
JOIN account a ON a.number = f.made_by WHERE f.facility = $1 ORDER BY f.number DESC LIMIT 10
