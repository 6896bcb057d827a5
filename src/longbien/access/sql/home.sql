-- name: of_record
-- Accounts that open one record: the patient's own ($1 its id), then those of who cares for them ($2 its key; $3 terms that void what
-- a grant rests on). waiting: until when a code is good that was not used yet.
SELECT a.number, a.login, a.name, a.role, a.disabled IS NOT NULL AS disabled, a.signed_in, a.demo,
  NULL::timestamptz AS until, NULL::smallint AS type, NULL::text AS basis,
  (SELECT max(i.expires) FROM invitation i
    WHERE i.account = a.number AND i.used IS NULL AND i.revoked IS NULL AND i.expires > now()) AS waiting
FROM account a WHERE a.patient = $1 AND a.role = 'patient'
UNION ALL
(SELECT DISTINCT ON (a.number) a.number, a.login, a.name, a.role, a.disabled IS NOT NULL, a.signed_in, a.demo, g.until, b.type, b.id,
  (SELECT max(i.expires) FROM invitation i
    WHERE i.account = a.number AND i.used IS NULL AND i.revoked IS NULL AND i.expires > now())
FROM carer_grant g JOIN account a ON a.number = g.account JOIN head b ON b.rid = g.basis AND b.pat = g.pat
WHERE g.pat = $2 AND g.begins <= now() AND g.until > now() AND NOT b.deleted AND NOT (b.terms && $3::bigint[])
  AND NOT EXISTS (SELECT 1 FROM carer_end e WHERE e.number = g.number)
ORDER BY a.number, g.until DESC)
ORDER BY 1

-- name: also_opens
-- The other records that a carer's account opens now. $1 account, $2 the record at hand, $3 terms that void a basis.
SELECT DISTINCT g.patient FROM carer_grant g JOIN head b ON b.rid = g.basis AND b.pat = g.pat
WHERE g.account = $1 AND g.patient <> $2 AND g.begins <= now() AND g.until > now() AND NOT b.deleted AND NOT (b.terms && $3::bigint[])
  AND NOT EXISTS (SELECT 1 FROM carer_end e WHERE e.number = g.number) LIMIT 50

-- name: waiting
-- Codes not used yet that somebody at this facility handed out to patients and carers; for which record stands in the trail only.
SELECT i.number, a.number AS account, a.login, a.name, a.role, a.patient, i.created, i.expires
FROM invitation i JOIN account a ON a.number = i.account JOIN account m ON m.number = i.made_by
WHERE i.used IS NULL AND i.revoked IS NULL AND i.expires > now() AND a.disabled IS NULL AND a.role = ANY($2::text[])
  AND m.organization = $1 ORDER BY i.number DESC LIMIT 200

-- name: revoke
UPDATE invitation i SET revoked = now() FROM account a, account m
WHERE i.number = $1 AND a.number = i.account AND m.number = i.made_by AND i.used IS NULL AND i.revoked IS NULL
  AND m.organization = $2 AND a.role = ANY($3::text[]) RETURNING i.account
