-- name: uneven
-- Entries that do not sum to zero: there can be none.
SELECT count(*) FROM (SELECT l.entry FROM money_line l GROUP BY l.entry HAVING sum(l.amount) <> 0) x

-- name: accounts
-- What each account of a facility stands at when a day ends, and what moved on it that day.
SELECT l.account, sum(l.amount)::bigint AS stands, coalesce(sum(l.amount) FILTER (WHERE e.day = $2 AND l.amount > 0), 0)::bigint AS debit,
  coalesce(-sum(l.amount) FILTER (WHERE e.day = $2 AND l.amount < 0), 0)::bigint AS credit
FROM money_line l JOIN money_entry e ON e.number = l.entry WHERE e.facility = $1 AND e.day <= $2 GROUP BY l.account

-- name: taken
-- What came in that day, by way.
SELECT e.kind, count(*) AS n, sum(l.amount)::bigint AS amount FROM money_entry e
JOIN money_line l ON l.entry = e.number AND l.amount > 0 AND l.account IN ('bank', 'cash', 'card')
WHERE e.facility = $1 AND e.day = $2 AND e.kind NOT LIKE 'shift%' GROUP BY e.kind

-- name: balances
-- The balances by subject must be those of the lines.
SELECT count(*) FROM money_balance m WHERE m.facility = $1
  AND m.amount <> (SELECT coalesce(sum(l.amount), 0) FROM money_line l WHERE l.account = m.account AND l.subject = m.subject)

-- name: bills
-- Bills: what they ask less what was booked as paid, against what the ledger says is owed.
SELECT count(*) FILTER (WHERE x.how IS NULL) AS n,
  coalesce(sum(b.amount) FILTER (WHERE x.how IS NULL), 0)::bigint AS asked,
  coalesce(sum(m.amount), 0)::bigint AS owed,
  coalesce((SELECT -sum(l.amount) FROM money_line l JOIN money_entry e ON e.number = l.entry JOIN money_bill y ON y.invoice = l.subject
     WHERE l.account = 'receivable' AND l.amount < 0 AND y.facility = $1 AND e.kind <> 'cancelled'
     AND NOT EXISTS (SELECT 1 FROM money_bill_end z WHERE z.invoice = y.invoice)), 0)::bigint AS paid
FROM money_bill b LEFT JOIN money_bill_end x ON x.invoice = b.invoice
LEFT JOIN money_balance m ON m.account = 'receivable' AND m.subject = b.invoice WHERE b.facility = $1

-- name: wrong_status
-- Bills whose Invoice says something else than the ledger: by the record's own index of statuses it is asked one by one (proof.py).
SELECT b.invoice, b.amount, coalesce(m.amount, 0) AS owed, x.how AS ended FROM money_bill b
LEFT JOIN money_bill_end x ON x.invoice = b.invoice LEFT JOIN money_balance m ON m.account = 'receivable' AND m.subject = b.invoice
WHERE b.facility = $1 AND b.issued >= $2 AND b.issued < $3 ORDER BY b.invoice

-- name: bank
-- Movements that the bank told of, against what was booked, to the end of the day that they were booked on.
SELECT coalesce(sum(n.amount), 0)::bigint AS told,
  coalesce(sum(l.amount), 0)::bigint AS booked, count(*) FILTER (WHERE o.notice IS NULL) AS undecided
FROM bank_notice n JOIN money_bank_account a ON a.bin = n.bin AND a.account = n.account AND a.facility = $1
LEFT JOIN bank_outcome o ON o.notice = n.number LEFT JOIN money_line l ON l.entry = o.entry AND l.account = 'bank'

-- name: cards
SELECT coalesce(sum(s.amount), 0)::bigint AS slips FROM money_slip s JOIN money_entry e ON e.number = s.entry WHERE e.facility = $1 AND e.day <= $2

-- name: refunds
-- Approved and not paid yet.
SELECT coalesce(sum(r.amount), 0)::bigint FROM money_refund r JOIN money_refund_answer a ON a.refund = r.number AND a.approved
WHERE r.facility = $1 AND NOT EXISTS (SELECT 1 FROM money_refund_paid p WHERE p.refund = r.number)

-- name: held
-- What the exceptions' queue holds.
SELECT coalesce(-sum(m.amount) FILTER (WHERE m.account = 'suspense'), 0)::bigint AS suspense,
  coalesce(sum(m.amount) FILTER (WHERE m.account = 'outgoing'), 0)::bigint AS outgoing,
  coalesce(-sum(m.amount) FILTER (WHERE m.account = 'deposit'), 0)::bigint AS deposit,
  coalesce(sum(m.amount) FILTER (WHERE m.account = 'cash'), 0)::bigint AS cash
FROM money_balance m WHERE m.facility = $1

-- name: facilities
SELECT DISTINCT facility FROM money_entry WHERE facility <> '' ORDER BY facility
