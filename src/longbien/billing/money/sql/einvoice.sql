-- name: known
-- What was handed in for a bill, and whether the provider took it.
SELECT e.xml, (SELECT a.code FROM money_einvoice_answer a WHERE a.invoice = e.invoice AND a.taken) AS taken
FROM money_einvoice e WHERE e.invoice = $1

-- name: put
INSERT INTO money_einvoice (invoice, xml) VALUES ($1, $2) ON CONFLICT (invoice) DO NOTHING

-- name: answered
INSERT INTO money_einvoice_answer (invoice, taken, code) VALUES ($1, $2, $3)

-- name: waiting
-- Paid bills of the last days that no electronic invoice was taken for.
SELECT b.invoice FROM money_bill b WHERE b.issued > $1 AND b.amount > 0
  AND NOT EXISTS (SELECT 1 FROM money_bill_end x WHERE x.invoice = b.invoice)
  AND NOT EXISTS (SELECT 1 FROM money_balance m WHERE m.account = 'receivable' AND m.subject = b.invoice AND m.amount <> 0)
  AND NOT EXISTS (SELECT 1 FROM money_line l JOIN money_entry e ON e.number = l.entry WHERE l.subject = b.invoice AND e.kind = 'elsewhere')
  AND NOT EXISTS (SELECT 1 FROM money_einvoice_answer a WHERE a.invoice = b.invoice AND a.taken) ORDER BY b.issued LIMIT $2
