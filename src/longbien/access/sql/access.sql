-- name: throttle_count
-- One try more. The wait doubles with every try beyond the free ones; an hour of peace begins a new count. No row: a wait runs.
INSERT INTO throttle AS t (key, failures, last, until)
  VALUES ($1, 1, now(), CASE WHEN 1 > $2::int THEN now() + interval '1 second' ELSE now() END)
ON CONFLICT (key) DO UPDATE SET
  failures = CASE WHEN t.last < now() - interval '1 hour' THEN 1 ELSE t.failures + 1 END,
  last = now(),
  until = CASE WHEN t.last < now() - interval '1 hour' OR t.failures + 1 < $2 THEN now()
               ELSE now() + least(power(2, least(t.failures + 1 - $2, 20)), $3::int) * interval '1 second' END
  WHERE t.until <= now()
RETURNING failures

-- name: throttle_wait
SELECT ceil(extract(epoch FROM greatest(until - now(), interval '1 second')))::int FROM throttle WHERE key = $1

-- name: throttle_forgive
WITH gone AS (DELETE FROM throttle WHERE key = ANY($1::bytea[]))
UPDATE throttle SET failures = greatest(failures - 1, 0), until = now() WHERE key = ANY($2::bytea[])

-- name: throttle_clean
DELETE FROM throttle WHERE last < now() - make_interval(secs => $1)

-- name: account_by_login
SELECT number, login, kind, name, role, practitioner, organization, department, patient, password, demo,
  disabled IS NOT NULL AS disabled
FROM account WHERE login = $1

-- name: account_signed_in
UPDATE account SET signed_in = now() WHERE number = $1

-- name: account_new
INSERT INTO account (login, kind, name, role, practitioner, organization, department, patient, password)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING number

-- name: account_ensure
-- As many as there are; those that are there keep their password.
INSERT INTO account (login, kind, name, role, practitioner, organization, department, patient, password, demo)
SELECT login, 'person', name, role, practitioner, organization, department, patient, $8, true
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
  AS t(login, name, role, practitioner, organization, department, patient)
ON CONFLICT (login) DO UPDATE SET name = excluded.name, role = excluded.role, practitioner = excluded.practitioner,
  organization = excluded.organization, department = excluded.department, patient = excluded.patient, demo = true

-- name: people_of_no_demo
SELECT EXISTS (SELECT FROM account WHERE kind = 'person' AND NOT demo)

-- name: account_list
-- Of one facility, or of all.
SELECT a.number, a.login, a.kind, a.name, a.role, a.practitioner, a.organization, a.department, a.disabled, a.signed_in,
  (SELECT count(*)::int FROM cover c WHERE c.account = a.number AND c.begins <= now() AND c.until > now()
     AND NOT EXISTS (SELECT FROM cover_end e WHERE e.number = c.number)) AS covers
FROM account a WHERE a.login > $2 AND ($1::text IS NULL OR a.organization = $1) ORDER BY a.login LIMIT $3

-- name: account_one
-- A person's, of one facility.
SELECT a.number, a.login, a.kind, a.name, a.role, a.practitioner, a.organization, a.department, a.disabled, a.signed_in,
  (SELECT count(*)::int FROM cover c WHERE c.account = a.number AND c.begins <= now() AND c.until > now()
     AND NOT EXISTS (SELECT FROM cover_end e WHERE e.number = c.number)) AS covers
FROM account a WHERE a.number = $1 AND a.organization = $2 AND a.kind = 'person'

-- name: machine_ensure
INSERT INTO account (login, kind, name, role) VALUES ($1, 'machine', $2, 'machine')
ON CONFLICT (login) DO UPDATE SET name = excluded.name RETURNING number, disabled IS NOT NULL AS disabled

-- name: session_actor
-- $2: seconds of idleness that end a session, $3: that lock a member of staff's screen (0: never), $4: roles that have no lock.
SELECT a.number, a.login, a.kind, a.name, a.role, a.practitioner, a.organization, a.department, a.patient,
  account_reach(a) AS reach, s.method, s.factors,
  s.locked OR ($3 > 0 AND a.role <> ALL($4::text[]) AND s.seen < now() - make_interval(secs => $3)) AS locked,
  s.seen < now() - interval '1 minute' AS stale
FROM session s JOIN account a ON a.number = s.account
WHERE s.hash = $1 AND a.disabled IS NULL AND s.expires > now() AND s.seen > now() - make_interval(secs => $2)

-- name: session_seen
UPDATE session SET seen = now() WHERE hash = $1

-- name: session_end_all
DELETE FROM session WHERE account = $1 AND hash <> $2

-- name: session_clean
DELETE FROM session WHERE expires < now() OR seen < now() - make_interval(secs => $1)

-- name: token_new
INSERT INTO api_token (hash, account, scope, expires) VALUES ($1, $2, $3, now() + make_interval(secs => $4)) RETURNING number

-- name: token_actor
-- Whose token this is, while it is good: the account, and where an app acts for it, that app and what it was allowed. Online access ends
-- with the sign-in that it was given in.
SELECT a.number, a.login, a.kind, a.name, a.role, a.practitioner, a.organization, a.department, a.patient,
  account_reach(a) AS reach, t.scope, t.cert,
  t.number AS token, p.number AS app, p.client_id, p.name AS app_name, g.patient AS context, g.number AS app_grant
FROM api_token t JOIN account a ON a.number = t.account
  LEFT JOIN app p ON p.number = t.app LEFT JOIN app_grant g ON g.number = t.app_grant
WHERE t.hash = $1 AND a.disabled IS NULL AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > now())
  AND p.disabled IS NULL AND g.ended IS NULL
  AND (g.session IS NULL OR EXISTS (SELECT FROM session s WHERE s.hash = g.session AND s.expires > now()))

-- name: actor_again
-- Who an account is now: with a token only while that is good, without one while the account is.
SELECT a.number, a.login, a.kind, a.name, a.role, a.practitioner, a.organization, a.department, a.patient,
  account_reach(a) AS reach, t.scope, t.cert, t.number AS token,
  p.number AS app, p.client_id, p.name AS app_name, g.patient AS context, g.number AS app_grant
FROM account a LEFT JOIN api_token t ON t.account = a.number AND t.number = $2::int
  LEFT JOIN app p ON p.number = t.app LEFT JOIN app_grant g ON g.number = t.app_grant
WHERE a.number = $1 AND a.disabled IS NULL
  AND ($2::int IS NULL OR (t.number IS NOT NULL AND t.revoked IS NULL AND (t.expires IS NULL OR t.expires > now())))
  AND p.disabled IS NULL AND g.ended IS NULL
  AND (g.session IS NULL OR EXISTS (SELECT FROM session s WHERE s.hash = g.session AND s.expires > now()))

-- name: token_list
SELECT t.number, a.name, t.scope, t.created, t.expires, t.revoked FROM api_token t JOIN account a ON a.number = t.account
WHERE t.app IS NULL ORDER BY t.number DESC LIMIT 1000

-- name: token_revoke
UPDATE api_token SET revoked = now() WHERE number = $1 AND revoked IS NULL RETURNING account

-- name: purpose_new
INSERT INTO purpose_grant (account, pat, purpose, reason, until)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5)) RETURNING number, begins, until

-- name: purpose_open
SELECT g.number, g.purpose, g.reason, g.begins, g.until, g.strength FROM purpose_grant g
WHERE g.account = $1 AND g.pat = $2 AND g.until > now() AND NOT EXISTS (SELECT 1 FROM purpose_end e WHERE e.number = g.number)
ORDER BY g.strength DESC, g.until DESC LIMIT 1

-- name: purpose_end
-- Whatever is still open for this patient ends.
INSERT INTO purpose_end (number)
SELECT g.number FROM purpose_grant g WHERE g.account = $1 AND g.pat = $2 AND g.until > now()
ON CONFLICT DO NOTHING

-- name: draft_save
INSERT INTO draft (account, pat, form, content) VALUES ($1, $2, $3, $4)
ON CONFLICT (account, pat, form) DO UPDATE SET content = excluded.content, updated = now() RETURNING updated

-- name: draft_replace
-- Only what was read: whoever changed it meanwhile is not overwritten.
UPDATE draft SET content = $4, updated = now() WHERE account = $1 AND pat = $2 AND form = $3 AND updated = $5 RETURNING updated

-- name: draft_load
SELECT content, updated FROM draft WHERE account = $1 AND pat = $2 AND form = $3

-- name: draft_list
SELECT form, updated FROM draft WHERE account = $1 AND pat = $2 ORDER BY updated DESC LIMIT 100

-- name: draft_drop
DELETE FROM draft WHERE account = $1 AND pat = $2 AND form = $3

-- name: looked
-- The news were seen: a look within half an hour belongs to the same visit. Gives the visit before this one.
WITH o AS (INSERT INTO opened AS p (account, pat) VALUES ($1, $2) ON CONFLICT (account, pat) DO UPDATE SET at = now())
INSERT INTO looked AS l (account, pat) VALUES ($1, $2)
ON CONFLICT (account, pat) DO UPDATE SET at = now(), before = CASE WHEN l.at < now() - interval '30 minutes' THEN l.at ELSE l.before END
RETURNING before

-- name: opened
-- A section without the news was opened: nothing counts as seen. Gives the visit that the next look would come after.
WITH o AS (INSERT INTO opened AS p (account, pat) VALUES ($1, $2) ON CONFLICT (account, pat) DO UPDATE SET at = now())
SELECT CASE WHEN at < now() - interval '30 minutes' THEN at ELSE before END FROM looked WHERE account = $1 AND pat = $2

-- name: carer_new
INSERT INTO carer_grant (account, pat, patient, basis, until, made_by) VALUES ($1, $2, $3, $4, $5, $6) RETURNING number

-- name: carer_end
-- Whatever this account may still see of this patient as a carer ends.
INSERT INTO carer_end (number, made_by)
SELECT g.number, $3 FROM carer_grant g WHERE g.account = $1 AND g.pat = $2 AND g.until > now()
ON CONFLICT DO NOTHING

-- name: carer_of
-- Whom an account cares for now: as rows.CarerRows decides it, with the ids that a page needs. $2: terms that void a basis.
SELECT DISTINCT ON (g.patient) g.patient, b.id AS basis, b.type, g.until
FROM carer_grant g JOIN head b ON b.rid = g.basis AND b.pat = g.pat
WHERE g.account = $1 AND g.begins <= now() AND g.until > now() AND NOT b.deleted AND NOT (b.terms && $2::bigint[])
  AND NOT EXISTS (SELECT 1 FROM carer_end e WHERE e.number = g.number)
ORDER BY g.patient, g.until DESC LIMIT 50

-- name: sender_account
-- The machine that a hospital's own system is, of one facility.
INSERT INTO account (login, kind, name, role, organization) VALUES ($1, 'machine', $2, 'sender', $3)
ON CONFLICT (login) DO UPDATE SET name = excluded.name, organization = excluded.organization
RETURNING number, disabled IS NOT NULL AS disabled
