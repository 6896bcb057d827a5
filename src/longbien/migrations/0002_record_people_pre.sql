-- Finding people as people are found: a read model of Patient, rebuildable from the bodies (record.people.rebuild).
-- Written in the same statement as the Patient itself (record_people), so it never lags.

CREATE TABLE person (
  rid   bigint PRIMARY KEY,
  pat   bigint NOT NULL,
  same  bigint NOT NULL,                 -- key of the folded name and the birth date: those who share it may be one person
  terms text[] NOT NULL                  -- 'ng' beginnings of folded words, '=nguyễn' words with tones, 'y1953', 'd1953-02-01'
) WITH (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE person ALTER terms SET STATISTICS 1000;   -- how common each beginning is: whether the index or a plain walk is quicker
CREATE INDEX person_terms ON person USING gin (terms) WITH (fastupdate = on, gin_pending_list_limit = 512);
CREATE INDEX person_same ON person (same);

-- Numbers of people (citizen ID, insurance, telephone), letters and digits only, backwards: their last digits are a range.
CREATE TABLE person_number (rev text COLLATE "C" NOT NULL, rid bigint NOT NULL);
CREATE INDEX person_number_rev ON person_number (rev, rid);
CREATE INDEX person_number_rid ON person_number (rid);

CREATE FUNCTION record_people(touched bigint[], people person[], numbers person_number[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM person WHERE rid = ANY(touched);
  DELETE FROM person_number WHERE rid = ANY(touched);
  INSERT INTO person SELECT * FROM unnest(people);
  INSERT INTO person_number SELECT * FROM unnest(numbers);
END $$;

GRANT SELECT, INSERT, DELETE ON person, person_number TO {app};

-- A patient's second codings and components, for the chart (code2's other indexes begin with the code).
CREATE INDEX code2_pat ON code2 (pat, code, dlo DESC) WHERE pat IS NOT NULL;
