-- New terms wait in a list beside their index until a megabyte of them is there, and every search by a term reads that list first: up to 128
-- pages, more than the search itself. record.tidy sorts them in as soon as there is a quiet moment. Gives the pages that were waiting.
-- SECURITY DEFINER: only an index's owner may.
CREATE FUNCTION record_tidy() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(714010) THEN RETURN 0; END IF;   -- one process is enough
  RETURN gin_clean_pending_list('head_gin') + gin_clean_pending_list('person_terms')
    + gin_clean_pending_list('narrative_words') + gin_clean_pending_list('content_words');
END $$;
