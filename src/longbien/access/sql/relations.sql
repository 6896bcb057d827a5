-- name: accounts
SELECT a.number, a.role, a.organization, a.department, account_ends(NULL, NULL, a.practitioner) AS own,
  account_ends(a.organization, a.department, NULL) AS around
FROM account a WHERE a.number = ANY($1::int[])

-- name: covers
-- Who stood in for whom, whether it runs or not.
SELECT c.number, c.account, c.begins, least(c.until, e.at) AS until, c.organization,
  CASE WHEN c.person IS NULL THEN account_ends(c.organization, c.department, NULL)
       ELSE account_ends(p.organization, p.department, p.practitioner) END AS ends
FROM cover c LEFT JOIN account p ON p.number = c.person LEFT JOIN cover_end e ON e.number = c.number
WHERE c.account = ANY($1::int[])

-- name: relations
-- Questions (n, account, pat, at), ends (account, who, what they are to the account), covers' ends with their span. $9: days after the end.
WITH asked AS (SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[], $4::timestamptz[]) AS q(n, account, pat, at)),
ends AS (SELECT * FROM unnest($5::int[], $6::bigint[], $7::text[]) AS e(account, who, what)),
standing AS (SELECT * FROM unnest($10::int[], $11::bigint[], $12::timestamptz[], $13::timestamptz[]) AS s(account, who, begins, until))
SELECT DISTINCT q.n, e.what, h.type FROM asked q JOIN ends e ON e.account = q.account
  JOIN tie t ON t.pat = q.pat AND t.who = e.who AND t.lo - interval '1 day' <= q.at AND t.hi + make_interval(days => $9::int) >= q.at
  JOIN head h ON h.rid = t.rid
UNION SELECT q.n, 'cover', NULL FROM asked q JOIN standing s ON s.account = q.account AND s.begins <= q.at AND s.until > q.at
  JOIN tie t ON t.pat = q.pat AND t.who = s.who AND t.lo - interval '1 day' <= q.at AND t.hi + make_interval(days => $9::int) >= q.at
UNION SELECT q.n, 'purpose', NULL FROM asked q JOIN purpose_grant g ON g.account = q.account AND g.pat = q.pat
  AND g.begins <= q.at AND g.until > q.at LEFT JOIN purpose_end x ON x.number = g.number WHERE x.at IS NULL OR x.at > q.at
UNION SELECT q.n, 'care', NULL FROM asked q JOIN unnest($14::int[], $15::bigint[]) AS o(account, org) ON o.account = q.account
  JOIN care c ON c.pat = q.pat AND c.org = o.org AND c.lo - interval '1 day' <= q.at
  AND c.hi + make_interval(days => CASE WHEN q.account = ANY($8::int[]) THEN 36500 ELSE $9::int END) >= q.at
