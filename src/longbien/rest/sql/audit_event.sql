-- name: names
SELECT number, login, kind, name, role, practitioner FROM account WHERE number = ANY($1::int[])

-- name: of_practitioner
SELECT number FROM account WHERE practitioner = ANY($1::text[])
