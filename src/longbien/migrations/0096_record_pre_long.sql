-- What lasts longer than 32 days (record.search.params.dates.SPAN) under one code, in the order of a page: a search by code from a day on
-- looks for it among all that began earlier. Without an index of its own it read every older row of a common code, on every page.
-- The condition stands word for word in record.search.heads too; -infinity is taken apart because it cannot be subtracted from.
CREATE INDEX head_long ON head (code, dlo DESC, rid DESC)
  WHERE code IS NOT NULL AND CASE WHEN isfinite(dlo) THEN dhi - dlo > interval '32 days' ELSE dhi > dlo END;
