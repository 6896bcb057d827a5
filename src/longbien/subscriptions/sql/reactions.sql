-- name: begin
-- Whoever follows for the first time begins with what is written from now on.
INSERT INTO outbox_cursor (reader, xid, rid, ver) VALUES ($1, settled_xid() - 1, 9223372036854775807, 2147483647)
ON CONFLICT (reader) DO NOTHING

-- name: lead
SELECT pg_advisory_xact_lock(714004)
