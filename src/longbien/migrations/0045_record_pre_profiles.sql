-- Which StructureDefinitions can be validated against, so that every process learns of a change with the next resource that names a
-- profile. stamp counts the commits that changed one; it begins somewhere, so that two houses never share one.
CREATE TABLE profile_state (
  one    bool PRIMARY KEY DEFAULT true CHECK (one),
  stamp  bigint NOT NULL DEFAULT (random() * 1e12)::bigint,
  filled bool NOT NULL DEFAULT false              -- what was stored before this table came is in it
);
INSERT INTO profile_state DEFAULT VALUES;

-- One row a StructureDefinition that is (or was) a profile or extension. url NULL: it is none any more.
CREATE TABLE profile (
  rid   bigint PRIMARY KEY,
  url   text COLLATE "C",
  stamp bigint NOT NULL
);
CREATE INDEX profile_stamp ON profile (stamp);
GRANT SELECT, UPDATE ON profile_state TO {app};
GRANT SELECT, INSERT, UPDATE ON profile TO {app};

-- In the commit's own statement. The state's row is held until the commit ends, so stamps are seen in their order.
CREATE FUNCTION record_profiles(rids bigint[], urls text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE now_at bigint;
BEGIN
  UPDATE profile_state SET stamp = stamp + 1 RETURNING stamp INTO now_at;
  INSERT INTO profile (rid, url, stamp) SELECT p.rid, p.url, now_at FROM unnest(rids, urls) AS p(rid, url)
    ON CONFLICT (rid) DO UPDATE SET url = excluded.url, stamp = excluded.stamp;
END $$;
