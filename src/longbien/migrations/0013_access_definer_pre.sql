-- Functions that run as the owner: temporary tables come last when a name is looked up (else a caller's own `head` would be taken for
-- ours), and only the application may call them.
ALTER FUNCTION record_analyze() SET search_path = public, pg_temp;
REVOKE ALL ON FUNCTION audit_seal(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_seal(int) TO {app};
