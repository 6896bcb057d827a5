-- An export is cut between transactions, not between times of the clock: a write takes its time when it begins and is seen when it
-- ends, so a time alone would blur (a write half in, or in neither this export nor the next one since it).
ALTER TABLE export ADD xid bigint NOT NULL DEFAULT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
ALTER TABLE export ADD top bigint;                -- the last rid there was when the work began
