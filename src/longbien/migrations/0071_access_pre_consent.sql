-- What patients' Consents say about who may see their record, as rows that a condition can ask (record/directives.py makes them, access/
-- consent_rows.py asks). Written by the commit that writes the Consent: a withdrawal holds with the next statement, everywhere.

CREATE TABLE directive (
  rid      bigint NOT NULL,               -- the Consent
  pat      bigint NOT NULL,
  permit   bool NOT NULL,
  reader   bigint NOT NULL,               -- key64 of 'Organization/<id>' or 'Practitioner/<id>'; 0: everybody elsewhere
  cats     int NOT NULL,                  -- bits of record.sensitive; 1: what is in no category
  purposes int NOT NULL,                  -- bits of record.trail.PURPOSES
  lo       timestamptz NOT NULL,
  hi       timestamptz NOT NULL,
  at       timestamptz NOT NULL           -- when it was given: the later counts, at the same moment the refusal
);
CREATE INDEX directive_pat ON directive (pat);
CREATE INDEX directive_rid ON directive (rid);

-- The same, worked out: what a reader may see (permit) of that about which anything was said (decided), while [lo, hi). Few rows, only for
-- patients who have said something.
CREATE TABLE consent_now (
  pat      bigint NOT NULL,
  reader   bigint NOT NULL,
  purposes int NOT NULL,
  lo       timestamptz NOT NULL,
  hi       timestamptz NOT NULL,
  permit   int NOT NULL,
  decided  int NOT NULL
);
CREATE INDEX consent_now_pat ON consent_now (pat, reader);

CREATE FUNCTION record_consents(touched bigint[], fresh directive[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE pats bigint[]; one bigint;
BEGIN
  SELECT array_agg(p ORDER BY p) INTO pats FROM (
    SELECT d.pat AS p FROM directive d WHERE d.rid = ANY(touched) UNION SELECT f.pat FROM unnest(fresh) f) x;
  IF pats IS NULL THEN RETURN; END IF;
  FOREACH one IN ARRAY pats LOOP          -- two who write Consents of one patient: the second reads what the first has written
    PERFORM pg_advisory_xact_lock(hashtextextended('consent', one));
  END LOOP;
  DELETE FROM directive WHERE rid = ANY(touched);
  INSERT INTO directive SELECT * FROM unnest(fresh);
  DELETE FROM consent_now WHERE pat = ANY(pats);
  INSERT INTO consent_now (pat, reader, purposes, lo, hi, permit, decided)
  SELECT g.pat, g.reader, bit_or(1 << g.p), g.lo, g.hi, g.permit, g.decided FROM (
    SELECT r.pat, r.reader, s.lo, s.hi, p.p, bit_or(CASE WHEN w.permit THEN 1 << b.b ELSE 0 END) AS permit, bit_or(1 << b.b) AS decided
    FROM (SELECT DISTINCT d.pat, d.reader FROM directive d WHERE d.pat = ANY(pats)) r
    CROSS JOIN LATERAL (
      SELECT t AS lo, lead(t) OVER (ORDER BY t) AS hi FROM (
        SELECT d.lo AS t FROM directive d WHERE d.pat = r.pat AND d.reader = r.reader
        UNION SELECT d.hi FROM directive d WHERE d.pat = r.pat AND d.reader = r.reader) x) s
    CROSS JOIN generate_series(0, 15) AS p(p)
    CROSS JOIN generate_series(0, 6) AS b(b)
    CROSS JOIN LATERAL (
      SELECT d.permit FROM directive d
      WHERE d.pat = r.pat AND d.reader = r.reader AND d.lo <= s.lo AND d.hi >= s.hi
        AND (d.purposes >> p.p) & 1 = 1 AND (d.cats >> b.b) & 1 = 1
      ORDER BY d.at DESC, d.permit LIMIT 1) w
    WHERE s.hi IS NOT NULL
    GROUP BY r.pat, r.reader, s.lo, s.hi, p.p) g
  GROUP BY g.pat, g.reader, g.lo, g.hi, g.permit, g.decided;
END $$;

-- Records with a wall around them: a stated reason is asked of who cares for the patient too. practitioner: the patient works here; asked of
-- that person's colleagues. Null: asked of everybody.
CREATE TABLE wall (rid bigint NOT NULL, pat bigint NOT NULL, practitioner text);
CREATE INDEX wall_pat ON wall (pat);
CREATE INDEX wall_rid ON wall (rid);
CREATE FUNCTION record_walls(touched bigint[], fresh wall[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM wall WHERE rid = ANY(touched);
  IF cardinality(fresh) > 0 THEN INSERT INTO wall SELECT * FROM unnest(fresh); END IF;
END $$;
CREATE INDEX account_practitioner ON account (practitioner) WHERE practitioner IS NOT NULL;

GRANT SELECT, INSERT, DELETE ON directive, consent_now, wall TO {app};

-- A stated purpose and a broken glass are one thing of two strengths (access/purpose.py): who, whose record, why, until when.
ALTER TABLE purpose_grant
  ADD COLUMN strength smallint NOT NULL DEFAULT 1 CHECK (strength IN (1, 2)),   -- 1 a stated purpose, 2 a broken glass
  ADD COLUMN category text,                                                     -- of an emergency: access.glass.CATEGORIES
  ADD COLUMN org bigint;                                                        -- where it was done: who reviews it
CREATE INDEX purpose_grant_glass ON purpose_grant (org, begins DESC) WHERE strength = 2;

-- What reviewers said about a broken glass, and its breaker's answers. Never changed.
CREATE TABLE glass_review (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  opening bigint NOT NULL REFERENCES purpose_grant,
  at      timestamptz NOT NULL DEFAULT now(),
  account int NOT NULL REFERENCES account,
  verdict text NOT NULL CHECK (verdict IN ('accept', 'ask', 'answer', 'report')),
  text    text NOT NULL CHECK (length(text) <= 1000)
);
CREATE INDEX glass_review_opening ON glass_review (opening);
CREATE TRIGGER glass_review_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON glass_review EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON glass_review TO {app};

-- What is there already gets its categories and facilities (0070), its directives and walls.
SELECT search_changed(ARRAY(
  WITH RECURSIVE t AS (
    (SELECT type FROM head ORDER BY type LIMIT 1)
    UNION ALL SELECT (SELECT h.type FROM head h WHERE h.type > t.type ORDER BY h.type LIMIT 1) FROM t WHERE t.type IS NOT NULL)
  SELECT type FROM t WHERE type IS NOT NULL));
