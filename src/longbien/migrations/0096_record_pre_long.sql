-- What lasts longer than 32 days (record.search.params.dates.SPAN) under one code, in the order of a page: a search by code from a day on
-- looks for it among all that began earlier. Without an index of its own it read every older row of a common code, on every page.
-- The condition stands word for word in record.search.heads too; -infinity is taken apart because it cannot be subtracted from.
CREATE INDEX head_long ON head (code, dlo DESC, rid DESC)
  WHERE code IS NOT NULL AND CASE WHEN isfinite(dlo) THEN dhi - dlo > interval '32 days' ELSE dhi > dlo END;

-- The same for a second coding: such a row carries a term made of the code (record.search.keys.long_key).
UPDATE head h SET terms = h.terms || x.more FROM (
  SELECT c.rid, array_agg(DISTINCT c.code # 1972080184154939633::bigint) AS more FROM code2 c JOIN head l USING (rid)
  WHERE CASE WHEN isfinite(l.dlo) THEN l.dhi - l.dlo > interval '32 days' ELSE l.dhi > l.dlo END GROUP BY c.rid) x
  WHERE x.rid = h.rid;
