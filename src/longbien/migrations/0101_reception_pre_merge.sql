-- Records that were joined, and what was taken back. The Provenance in the record says which resources went over; this says which joining
-- stands, once. Only ever added to. Safe while old code runs: tables of its own.
CREATE TABLE reception_merge (
  provenance text PRIMARY KEY,                                   -- id of the Provenance that lists every moved row
  survivor   text NOT NULL,                                      -- ids of Patients
  merged     text NOT NULL,
  org        text NOT NULL,                                      -- id of the facility where it was done
  reason     text NOT NULL CHECK (length(reason) BETWEEN 5 AND 500),
  moved      int NOT NULL,                                       -- rows
  at         timestamptz NOT NULL DEFAULT now(),
  made_by    int NOT NULL                                        -- account.number
);
CREATE INDEX reception_merge_survivor ON reception_merge (survivor);
CREATE INDEX reception_merge_merged ON reception_merge (merged);
CREATE TABLE reception_unmerge (
  provenance text PRIMARY KEY REFERENCES reception_merge,
  undone     text NOT NULL,                                      -- id of the Provenance of the undoing
  at         timestamptz NOT NULL DEFAULT now(),
  made_by    int NOT NULL
);
CREATE TRIGGER reception_merge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reception_merge EXECUTE FUNCTION append_only();
CREATE TRIGGER reception_unmerge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reception_unmerge EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON reception_merge, reception_unmerge TO {app};
