-- name: ceremony_new
INSERT INTO ceremony (key, kind, browser, account, data, expires)
VALUES ($1, $2, $3, $4, $5::text::jsonb, now() + make_interval(secs => $6)) ON CONFLICT DO NOTHING RETURNING 1

-- name: ceremony_take
-- Used once, by the browser that began it, in time.
DELETE FROM ceremony WHERE key = $1 AND kind = $2 AND browser IS NOT DISTINCT FROM $3::bytea
RETURNING account, data::text AS data, expires > now() AS good

-- name: ceremony_look
SELECT account, data::text AS data FROM ceremony
WHERE key = $1 AND kind = $2 AND browser IS NOT DISTINCT FROM $3::bytea AND expires > now()

-- name: ceremony_tried
-- A wrong code: after so many the step is over.
UPDATE ceremony SET data = data || jsonb_build_object('tries', coalesce((data->>'tries')::int, 0) + 1) WHERE key = $1
RETURNING (data->>'tries')::int

-- name: ceremony_clean
DELETE FROM ceremony WHERE expires < now() - interval '1 minute'

-- name: known_of
-- Whether somebody came in from these before: by the browser, by the network.
SELECT hash FROM known k JOIN account a ON a.number = k.account WHERE a.login = $1 AND k.hash = ANY($2::bytea[])

-- name: known_add
INSERT INTO known (account, hash) SELECT $1, unnest($2::bytea[])
ON CONFLICT (account, hash) DO UPDATE SET seen = now()

-- name: known_clean
DELETE FROM known WHERE seen < now() - interval '180 days'

-- name: ward_computer
-- Whether somebody of this facility came in at this browser before.
SELECT EXISTS (SELECT FROM known k JOIN account a ON a.number = k.account WHERE k.hash = $1 AND a.organization = $2)

-- name: account_full
-- Everything that decides how an account may come in.
SELECT number, login, kind, name, role, practitioner, organization, department, patient, password, demo,
  disabled IS NOT NULL AS disabled, signed_in > now() - make_interval(secs => $2) AS lately,
  EXISTS (SELECT FROM totp t WHERE t.account = number AND t.confirmed IS NOT NULL) AS totp,
  EXISTS (SELECT FROM passkey p WHERE p.account = number) AS passkey,
  EXISTS (SELECT FROM recovery_code r WHERE r.account = number AND r.used IS NULL) AS recovery
FROM account WHERE number = $1

-- name: account_came
UPDATE account SET signed_in = now() WHERE number = $1

-- name: account_handle
UPDATE account SET handle = coalesce(handle, $2) WHERE number = $1 RETURNING handle

-- name: session_begin
INSERT INTO session (hash, account, expires, address, agent, method, factors, device, provider, subject, sid, id_token)
VALUES ($1, $2, now() + make_interval(secs => $3), $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: session_gone
DELETE FROM session WHERE hash = $1 RETURNING account, provider, subject, id_token

-- name: session_lock
UPDATE session SET locked = true WHERE hash = $1 RETURNING account

-- name: session_proved
-- The person showed again who they are.
UPDATE session SET locked = false, seen = now(), proved = now() WHERE hash = $1 AND account = $2 RETURNING 1

-- name: session_whose
-- Whose session this is, locked or not; $3: seconds that who showed themselves is believed to be still there.
SELECT s.account, a.login, a.name, a.organization, s.method, s.factors, s.locked, s.proved > now() - make_interval(secs => $3) AS lately,
  EXISTS (SELECT FROM pin p WHERE p.account = a.number) AS pin, EXISTS (SELECT FROM passkey p WHERE p.account = a.number) AS passkey
FROM session s
JOIN account a ON a.number = s.account
WHERE s.hash = $1 AND a.disabled IS NULL AND s.expires > now() AND s.seen > now() - make_interval(secs => $2)

-- name: session_firm
UPDATE session SET factors = $2, method = $3, proved = now() WHERE hash = $1

-- name: session_end_of_provider
DELETE FROM session WHERE provider = $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR sid = $3)
RETURNING hash, account

-- name: session_end_listed
DELETE FROM session WHERE account = $1 AND encode(sha256(hash), 'hex') = $2 RETURNING hash

-- name: session_listed
-- The name of a session on a page is a hash of its key, which is a hash of the cookie.
SELECT encode(sha256(hash), 'hex') AS key, created, seen, expires, address, agent, method, factors, locked, hash = $3 AS this
FROM session WHERE account = $1 AND expires > now() AND seen > now() - make_interval(secs => $2) ORDER BY seen DESC LIMIT 100

-- name: passkey_new
INSERT INTO passkey (id, account, public_key, signs, name, transports, synced) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING RETURNING number

-- name: passkey_one
SELECT p.id, p.number, p.account, p.public_key, p.signs, a.handle, a.disabled IS NOT NULL AS disabled
FROM passkey p JOIN account a ON a.number = p.account WHERE p.id = $1

-- name: passkey_used
UPDATE passkey SET signs = $2, synced = $3, used = now() WHERE id = $1

-- name: passkey_list
SELECT number, id, name, transports, synced, created, used FROM passkey WHERE account = $1 ORDER BY number LIMIT 50

-- name: passkey_name
UPDATE passkey SET name = $3 WHERE account = $1 AND number = $2 RETURNING number

-- name: passkey_drop
DELETE FROM passkey WHERE account = $1 AND number = $2 RETURNING name

-- name: totp_new
-- One that is confirmed already stays.
INSERT INTO totp AS t (account, secret) VALUES ($1, $2)
ON CONFLICT (account) DO UPDATE SET secret = excluded.secret, step = 0 WHERE t.confirmed IS NULL RETURNING 1

-- name: totp_of
SELECT secret, step, confirmed FROM totp WHERE account = $1

-- name: totp_step
-- Each time step opens once.
UPDATE totp SET step = $2, confirmed = coalesce(confirmed, now()) WHERE account = $1 AND step < $2 RETURNING 1

-- name: totp_drop
DELETE FROM totp WHERE account = $1 RETURNING confirmed

-- name: recovery_new
WITH gone AS (DELETE FROM recovery_code WHERE account = $1)
INSERT INTO recovery_code (account, hash) SELECT $1, unnest($2::bytea[])

-- name: recovery_use
UPDATE recovery_code SET used = now() WHERE account = $1 AND hash = $2 AND used IS NULL RETURNING 1

-- name: recovery_left
SELECT count(*)::int FROM recovery_code WHERE account = $1 AND used IS NULL

-- name: recovery_drop
DELETE FROM recovery_code WHERE account = $1

-- name: pin_set
INSERT INTO pin (account, hash) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, failures = 0

-- name: pin_count
-- A try is counted before the number is looked at.
UPDATE pin SET failures = failures + 1 WHERE account = $1 AND failures < $2 RETURNING hash

-- name: pin_right
UPDATE pin SET failures = 0 WHERE account = $1

-- name: pin_drop
DELETE FROM pin WHERE account = $1

-- name: badge_new
INSERT INTO badge (hash, account) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1

-- name: badge_whose
SELECT b.account FROM badge b JOIN account a ON a.number = b.account WHERE b.hash = $1 AND a.disabled IS NULL

-- name: badge_drop
DELETE FROM badge WHERE account = $1

-- name: factors_of
-- What opens an account beside passkeys and identities, which are listed by themselves.
SELECT a.login, a.demo, a.password IS NOT NULL AS password,
  (SELECT confirmed FROM totp t WHERE t.account = a.number) AS totp,
  (SELECT count(*)::int FROM recovery_code r WHERE r.account = a.number AND r.used IS NULL) AS recovery,
  EXISTS (SELECT FROM pin p WHERE p.account = a.number) AS pin,
  (SELECT count(*)::int FROM badge b WHERE b.account = a.number) AS badges
FROM account a WHERE a.number = $1

-- name: identity_whose
SELECT i.account, a.disabled IS NOT NULL AS disabled FROM identity i JOIN account a ON a.number = i.account
WHERE i.provider = $1 AND i.subject = $2

-- name: identity_new
INSERT INTO identity (provider, subject, account) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING account

-- name: identity_used
UPDATE identity SET used = now() WHERE provider = $1 AND subject = $2

-- name: identity_list
SELECT provider, subject, linked, used FROM identity WHERE account = $1 ORDER BY linked LIMIT 20

-- name: identity_drop
DELETE FROM identity WHERE account = $1 AND provider = $2 AND subject = $3 RETURNING 1

-- name: person_of_record
-- The live account of a Patient ($1) or of a Practitioner ($2) by the record's ids.
SELECT number FROM account WHERE kind = 'person' AND ((patient = $1 AND role = 'patient') OR practitioner = $2)
ORDER BY disabled IS NOT NULL, number LIMIT 2

-- name: invitation_new
-- A newer link makes the older ones of the account useless.
WITH old AS (UPDATE invitation SET revoked = now() WHERE account = $2 AND used IS NULL AND revoked IS NULL)
INSERT INTO invitation (hash, account, expires, made_by) VALUES ($1, $2, now() + make_interval(secs => $3), $4) RETURNING number

-- name: invitation_look
SELECT i.account FROM invitation i JOIN account a ON a.number = i.account
WHERE i.hash = $1 AND i.used IS NULL AND i.revoked IS NULL AND i.expires > now() AND a.disabled IS NULL

-- name: invitation_use
UPDATE invitation SET used = now() WHERE hash = $1 AND used IS NULL AND revoked IS NULL AND expires > now() RETURNING account

-- name: invitation_open
-- Of one facility, or of all.
SELECT i.number, a.login, a.name, a.role, i.created, i.expires FROM invitation i JOIN account a ON a.number = i.account
WHERE i.used IS NULL AND i.revoked IS NULL AND i.expires > now() AND a.disabled IS NULL
  AND ($1::text IS NULL OR a.organization = $1) ORDER BY i.number DESC LIMIT 200

-- name: invitation_revoke
UPDATE invitation SET revoked = now() WHERE number = $1 AND used IS NULL AND revoked IS NULL
  AND account IN (SELECT number FROM account WHERE $2::text IS NULL OR organization = $2) RETURNING account

-- name: idle_disable
-- Nobody came in by these for so many seconds: their sessions end with them.
WITH idle AS (
  UPDATE account SET disabled = now() WHERE kind = 'person' AND disabled IS NULL AND NOT demo AND role <> ALL($2::text[])
    AND greatest(created, signed_in, enabled) < now() - make_interval(secs => $1) RETURNING number
), gone AS (DELETE FROM session WHERE account IN (SELECT number FROM idle))
SELECT number FROM idle ORDER BY number
