-- As for every function that runs as the owner: only the application may call it.
REVOKE ALL ON FUNCTION record_tidy() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_tidy() TO {app};
