-- What an identity provider said of a session, sealed (access/sealed.py): shown to it again when the person signs out, so that it ends
-- its own session too (OpenID Connect RP-Initiated Logout 1.0). Goes with the session. Safe while old code runs: a column more.
ALTER TABLE session ADD id_token bytea;
