-- name: begin
-- Where this source stood; a finished one begins again (everything will be found unchanged).
INSERT INTO import_source AS i (fingerprint, path) VALUES ($1, $2)
ON CONFLICT (fingerprint) DO UPDATE SET path = $2, started = now(), finished = NULL,
  done = CASE WHEN i.finished IS NULL THEN i.done ELSE 0 END,
  accepted = CASE WHEN i.finished IS NULL THEN i.accepted ELSE 0 END,
  unchanged = CASE WHEN i.finished IS NULL THEN i.unchanged ELSE 0 END,
  rejected = CASE WHEN i.finished IS NULL THEN i.rejected ELSE 0 END
RETURNING done, accepted, unchanged, rejected

-- name: mark
UPDATE import_source SET done = $2, accepted = $3, unchanged = $4, rejected = $5 WHERE fingerprint = $1

-- name: finish
UPDATE import_source SET finished = now() WHERE fingerprint = $1
