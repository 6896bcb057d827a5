-- Standing in: somebody sees, for some time, the patients of a colleague or of a department beside their own. Never changed: an early end
-- is a row of its own. What one may do with a record stays what one's own role may.
CREATE TABLE cover (
  number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account      int NOT NULL REFERENCES account,                -- who stands in
  organization text NOT NULL,                                  -- at which facility
  department   text,                                           -- for which of its departments, or
  person       int REFERENCES account,                         -- for whom
  begins       timestamptz NOT NULL,
  until        timestamptz NOT NULL,
  reason       text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
  made_by      int NOT NULL REFERENCES account,
  created      timestamptz NOT NULL DEFAULT now(),
  CHECK (until > begins AND (department IS NULL) <> (person IS NULL) AND person IS DISTINCT FROM account)
);
CREATE INDEX cover_account ON cover (account, until);
CREATE INDEX cover_person ON cover (person, until) WHERE person IS NOT NULL;
CREATE INDEX cover_organization ON cover (organization, until);
CREATE TABLE cover_end (
  number  bigint PRIMARY KEY REFERENCES cover,
  at      timestamptz NOT NULL DEFAULT now(),
  made_by int NOT NULL REFERENCES account
);
CREATE TRIGGER cover_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cover EXECUTE FUNCTION append_only();
CREATE TRIGGER cover_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cover_end EXECUTE FUNCTION append_only();

-- How a facility wants it. strict: its doctors and nurses see the patients of their own department, not of the whole house.
CREATE TABLE facility_rule (
  organization text PRIMARY KEY,
  strict       bool NOT NULL DEFAULT false,
  changed      timestamptz NOT NULL DEFAULT now(),
  changed_by   int NOT NULL
);
CREATE INDEX account_place ON account (organization, department);

-- The ends of ties (record/ties.py) that make a patient one of this person's department: the person, the department, its places, who works
-- there; as references. The numbers are those of record.search.keys.param_key and record.types.number; a test holds them.
CREATE FUNCTION account_ends(of_organization text, of_department text, of_practitioner text) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(DISTINCT e) FROM (
    SELECT 'Practitioner/' || of_practitioner AS e
    UNION ALL SELECT 'Organization/' || of_department
    UNION ALL SELECT 'PractitionerRole/' || h.id FROM ref r JOIN head h ON h.rid = r.rid AND NOT h.deleted
      WHERE r.p = 656793306 AND r.type = 108 AND r.id = of_practitioner
    UNION ALL SELECT 'Location/' || h.id FROM ref r JOIN head h ON h.rid = r.rid AND NOT h.deleted
      WHERE r.p = 370808918 AND r.type = 100 AND r.id = of_department
    UNION ALL SELECT 'Practitioner/' || a.practitioner FROM account a
      WHERE a.organization = of_organization AND a.department = of_department AND a.practitioner IS NOT NULL
  ) AS found WHERE e IS NOT NULL
$$;

-- What there is to know of an account's rows beside its facility: null for most, so that asking costs next to nothing.
CREATE FUNCTION account_reach(a account) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE narrow bool; covers jsonb;
BEGIN
  IF a.kind <> 'person' THEN RETURN NULL; END IF;
  narrow := EXISTS (SELECT FROM facility_rule f WHERE f.organization = a.organization AND f.strict);
  SELECT jsonb_agg(jsonb_build_object('number', c.number, 'organization', c.organization, 'ends',
           CASE WHEN c.person IS NULL THEN account_ends(c.organization, c.department, NULL)
                ELSE account_ends(p.organization, p.department, p.practitioner) END) ORDER BY c.number) INTO covers
    FROM cover c LEFT JOIN account p ON p.number = c.person
    WHERE c.account = a.number AND c.begins <= now() AND c.until > now()
      AND NOT EXISTS (SELECT FROM cover_end e WHERE e.number = c.number);
  IF NOT narrow AND covers IS NULL THEN RETURN NULL; END IF;
  RETURN jsonb_build_object('strict', narrow, 'covers', coalesce(covers, '[]'),
    'ends', CASE WHEN narrow THEN account_ends(a.organization, a.department, a.practitioner) END);
END $$;

GRANT SELECT, INSERT ON cover, cover_end TO {app};
GRANT SELECT, INSERT, UPDATE ON facility_rule TO {app};
