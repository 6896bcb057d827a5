-- What was there before 0050 has no rows of ref and no words yet: every type is indexed again, in the background
-- (record/reindex.py). Until a type's pass has ended, a chain over its older resources may miss some.
SELECT reindex_ask(t.types, (SELECT stamp FROM search_state))
FROM (SELECT array_agg(DISTINCT h.type) AS types FROM head h) t WHERE t.types IS NOT NULL;
