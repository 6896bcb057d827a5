-- A page of a search is one line of the trail for each patient on it. What is the same in all of them goes over once: line which[i] of
-- `lines` is written for patient pats[i], with ns[i] resources.
CREATE FUNCTION record_audit_of(lines audit_in[], which int[], pats bigint[], ns int[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit (actor, org, pat, rid, ver, type, action, kind, outcome, purpose, n, addr, why)
    SELECT l.actor, l.org, u.pat, l.rid, l.ver, l.type, l.action, l.kind, l.outcome, l.purpose, u.n, l.addr, l.why
    FROM unnest(which, pats, ns) AS u(k, pat, n)
    JOIN unnest(lines) WITH ORDINALITY AS l(actor, org, pat, rid, ver, type, action, kind, outcome, purpose, n, addr, why, k) USING (k)
$$;
