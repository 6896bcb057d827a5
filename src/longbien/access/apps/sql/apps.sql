-- name: app_new
INSERT INTO app (client_id, name, auth, secret, jwks, jwks_uri, cert, redirects, launch_url, scope, account, facility, bound,
                 by_itself, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING number

-- name: app_by_client
SELECT p.*, a.disabled IS NOT NULL AS account_disabled FROM app p LEFT JOIN account a ON a.number = p.account
WHERE p.client_id = $1 AND p.disabled IS NULL

-- name: app_list
-- Those of a facility and of the city; $1 null: all. open: grants that run.
SELECT p.*, (SELECT count(*)::int FROM app_grant g WHERE g.app = p.number AND g.ended IS NULL AND g.until > now()) AS open,
  (SELECT max(t.created) FROM api_token t WHERE t.app = p.number) AS last
FROM app p WHERE ($1::text IS NULL OR p.facility IS NULL OR p.facility = $1) ORDER BY p.disabled IS NOT NULL, p.name LIMIT 500

-- name: app_launchable
SELECT client_id, name, launch_url FROM app
WHERE launch_url IS NOT NULL AND disabled IS NULL AND (facility IS NULL OR facility = $1) ORDER BY name LIMIT 50

-- name: app_disable
UPDATE app SET disabled = now() WHERE client_id = $1 AND disabled IS NULL RETURNING number

-- name: app_enable
UPDATE app SET disabled = NULL WHERE client_id = $1 AND disabled IS NOT NULL RETURNING number

-- name: app_secret
UPDATE app SET secret = $2 WHERE client_id = $1 AND auth = 'client_secret_basic' RETURNING number

-- name: grant_new
INSERT INTO app_grant (app, account, scope, patient, encounter, session, until)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) RETURNING number

-- name: code_new
INSERT INTO app_code (hash, app_grant, redirect, challenge, nonce, banner, until)
VALUES ($1, $2, $3, $4, $5, $6, now() + interval '60 seconds')

-- name: code_take
-- Used once: whoever is second learns that it was, and the family ends.
WITH was AS (SELECT hash, used FROM app_code WHERE hash = $1 FOR UPDATE)
UPDATE app_code c SET used = coalesce(c.used, now()) FROM was, app_grant g, app p, account a
WHERE c.hash = was.hash AND g.number = c.app_grant AND p.number = g.app AND a.number = g.account
RETURNING was.used AS before, c.app_grant, c.redirect, c.challenge, c.nonce, c.banner, c.until < now() AS late, p.client_id,
  g.scope, g.patient, g.encounter, g.session, g.account, g.ended, a.disabled, extract(epoch FROM g.until - now())::float8 AS left

-- name: refresh_new
INSERT INTO app_refresh (hash, app_grant) VALUES ($1, $2)

-- name: refresh_take
-- Used once, and by its own app only. signed_in: online access ends with the sign-in that it was given in. $3: idle seconds.
WITH was AS (SELECT hash, used FROM app_refresh WHERE hash = $1 FOR UPDATE)
UPDATE app_refresh r SET used = coalesce(r.used, now()) FROM was, app_grant g, app p, account a
WHERE r.hash = was.hash AND g.number = r.app_grant AND p.number = g.app AND a.number = g.account AND p.client_id = $2
RETURNING was.used AS before, r.app_grant, p.client_id, g.scope, g.patient, g.encounter, g.session, g.account, g.ended,
  a.disabled, g.until < now() AS late, extract(epoch FROM g.until - now())::float8 AS left,
  (g.session IS NULL OR EXISTS (SELECT FROM session s WHERE s.hash = g.session AND s.expires > now()
     AND s.seen > now() - make_interval(secs => $3))) AS signed_in

-- name: token_new
INSERT INTO api_token (hash, account, scope, expires, app, app_grant, cert)
VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5, $6, $7) RETURNING number

-- name: grant_used
UPDATE app_grant SET used = now() WHERE number = $1

-- name: grant_end
UPDATE app_grant SET ended = now(), why_ended = $2 WHERE number = $1 AND ended IS NULL RETURNING account

-- name: grant_end_own
UPDATE app_grant SET ended = now(), why_ended = 'by the person' WHERE number = $1 AND account = $2 AND ended IS NULL RETURNING number

-- name: grant_list
SELECT g.number, g.scope, g.patient, g.created, g.used, g.until, p.name, p.client_id FROM app_grant g JOIN app p ON p.number = g.app
WHERE g.account = $1 AND g.ended IS NULL AND g.until > now() AND p.disabled IS NULL
  AND EXISTS (SELECT FROM api_token t WHERE t.app_grant = g.number)
ORDER BY g.used DESC LIMIT 200

-- name: token_look
-- For introspection and revocation: an access token of an app.
SELECT t.number, t.scope, t.account, t.app_grant, t.cert, p.client_id, a.login, a.name, a.practitioner, a.patient AS own, g.patient, g.encounter,
  extract(epoch FROM t.created)::bigint AS iat, extract(epoch FROM t.expires)::bigint AS exp,
  t.revoked IS NULL AND (t.expires IS NULL OR t.expires > now()) AND a.disabled IS NULL AND p.disabled IS NULL AND g.ended IS NULL AND (g.session IS NULL OR EXISTS (SELECT FROM session s WHERE s.hash = g.session AND s.expires > now())) AS active
FROM api_token t JOIN account a ON a.number = t.account LEFT JOIN app p ON p.number = t.app LEFT JOIN app_grant g ON g.number = t.app_grant
WHERE t.hash = $1

-- name: refresh_look
-- For introspection and revocation.
SELECT r.app_grant, p.client_id, g.scope, g.account, g.patient, g.encounter,
  r.used IS NULL AND g.ended IS NULL AND g.until > now() AND a.disabled IS NULL AND p.disabled IS NULL
    AND (g.session IS NULL OR EXISTS (SELECT FROM session s WHERE s.hash = g.session AND s.expires > now())) AS active,
  extract(epoch FROM g.until)::bigint AS exp
FROM app_refresh r JOIN app_grant g ON g.number = r.app_grant JOIN app p ON p.number = g.app JOIN account a ON a.number = g.account
WHERE r.hash = $1

-- name: token_revoke
UPDATE api_token SET revoked = now() WHERE number = $1 AND revoked IS NULL

-- name: launch_new
INSERT INTO app_launch (hash, app, account, patient, encounter, until) VALUES ($1, $2, $3, $4, $5, now() + interval '5 minutes')

-- name: launch_look
SELECT patient, encounter FROM app_launch WHERE hash = $1 AND app = $2 AND account = $3 AND until > now()

-- name: jti_new
INSERT INTO app_jti (hash, until) VALUES ($1, to_timestamp($2)) ON CONFLICT (hash) DO NOTHING RETURNING true

-- name: clean_codes
DELETE FROM app_code WHERE until < now() - interval '1 day'

-- name: clean_launches
DELETE FROM app_launch WHERE until < now()

-- name: clean_jtis
DELETE FROM app_jti WHERE until < now()

-- name: clean_refresh
-- A used one is kept while its family lives: that a copy is tried must be noticed.
DELETE FROM app_refresh r USING app_grant g WHERE g.number = r.app_grant AND (g.until < now() OR g.ended < now() - interval '1 day')

-- name: key_list
-- Those that are published, the newest first.
SELECT kid, sealed, public, created, until FROM sign_key WHERE until IS NULL OR until > now() ORDER BY created DESC, kid

-- name: key_new
INSERT INTO sign_key (kid, sealed, public) VALUES ($1, $2, $3)

-- name: key_retire
UPDATE sign_key SET until = now() + make_interval(secs => $2), private = NULL WHERE kid <> $1 AND until IS NULL

-- name: key_clean
DELETE FROM sign_key WHERE until < now()
