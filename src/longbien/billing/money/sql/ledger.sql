-- name: post
-- The entry and its lines in one statement; nothing where the cause is booked already.
WITH made AS (
  INSERT INTO money_entry (key, kind, cause, facility, day, at, made_by, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (key) DO NOTHING RETURNING number),
lines AS (
  INSERT INTO money_line (entry, position, account, subject, amount)
  SELECT made.number, l.n, l.account, l.subject, l.amount
  FROM made, unnest($9::text[], $10::text[], $11::bigint[]) WITH ORDINALITY AS l(account, subject, amount, n) ORDER BY l.n)
SELECT number FROM made

-- name: balance
SELECT amount FROM money_balance WHERE account = $1 AND subject = $2

-- name: hold
SELECT pg_advisory_xact_lock($1)

-- name: of_cause
-- Every entry about one thing, with its lines, the oldest first.
SELECT e.number, e.kind, e.cause, e.facility, e.day, e.at, e.made_by, e.note, l.account, l.subject, l.amount
FROM money_entry e JOIN money_line l ON l.entry = e.number WHERE e.cause = ANY($1::text[]) ORDER BY e.number, l.position

-- name: of_bills
-- What was booked to the receivables of these bills, the oldest first.
SELECT e.number, e.kind, e.at, e.made_by, e.note, l.subject AS invoice, l.amount
FROM money_line l JOIN money_entry e ON e.number = l.entry
WHERE l.account = 'receivable' AND l.subject = ANY($1::text[]) ORDER BY e.number, l.position

-- name: standing
-- One visit in sums: what its bills ask, what is still owed of them, what is kept as a deposit, what was given back or is about to be.
SELECT
  (SELECT coalesce(sum(b.amount), 0) FROM money_bill b WHERE b.encounter = $1
     AND NOT EXISTS (SELECT 1 FROM money_bill_end x WHERE x.invoice = b.invoice))::bigint AS to_pay,
  (SELECT coalesce(sum(m.amount), 0) FROM money_bill b JOIN money_balance m ON m.account = 'receivable' AND m.subject = b.invoice
   WHERE b.encounter = $1)::bigint AS owed,
  coalesce(-(SELECT m.amount FROM money_balance m WHERE m.account = 'deposit' AND m.subject = $1), 0)::bigint AS deposits,
  (SELECT coalesce(sum(r.amount), 0) FROM money_refund r JOIN money_refund_answer a ON a.refund = r.number AND a.approved
   WHERE r.source = 'deposit' AND r.subject = $1)::bigint AS refunds
