-- What a rule of access asks of a row itself: which sensitive categories it falls into (record/sensitive.py), and at which facility it
-- was made (key64('Organization/<id>')). Both only grow: an earlier version stays in the history, so what was sensitive once is, and a
-- row does not change its facility. A process of an older version cannot write after this (it knows twelve columns of head); it can read.

ALTER TABLE head ADD COLUMN sens smallint NOT NULL DEFAULT 0, ADD COLUMN org bigint;
CREATE INDEX head_sens ON head (pat) WHERE sens <> 0;

DO $do$
DECLARE
  body text;
  plain constant text := 'deleted = c.deleted, terms = c.terms';
  wider constant text := 'deleted = c.deleted, terms = c.terms, sens = h.sens | c.sens, org = coalesce(h.org, c.org)';
  one   constant text := 'deleted = one.deleted, terms = one.terms';
  wide1 constant text := 'deleted = one.deleted, terms = one.terms, sens = h.sens | one.sens, org = coalesce(h.org, one.org)';
  again constant text := 'val = f.val, terms = f.terms FROM';
  more  constant text := 'val = f.val, terms = f.terms, sens = h.sens | f.sens, org = coalesce(h.org, f.org) FROM';
  old   constant text := '(h.pat, h.code, h.dlo, h.dhi, h.val, h.terms)
            IS DISTINCT FROM (f.pat, f.code, f.dlo, f.dhi, f.val, f.terms)';
  new   constant text := '(h.pat, h.code, h.dlo, h.dhi, h.val, h.terms, h.sens, h.org)
            IS DISTINCT FROM (f.pat, f.code, f.dlo, f.dhi, f.val, f.terms, h.sens | f.sens, coalesce(h.org, f.org))';
BEGIN
  SELECT pg_get_functiondef(p.oid) INTO body FROM pg_proc p WHERE p.proname = 'record_commit';
  ASSERT position(plain IN body) > 0 AND position(one IN body) > 0, 'record_commit';
  EXECUTE replace(replace(body, plain, wider), one, wide1);
  SELECT pg_get_functiondef(p.oid) INTO body FROM pg_proc p WHERE p.proname = 'record_reindex';
  ASSERT position(again IN body) > 0 AND position(old IN body) > 0, 'record_reindex';
  EXECUTE replace(replace(body, again, more), old, new);
END $do$;
