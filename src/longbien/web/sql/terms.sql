-- name: versions
-- Which code systems there are, and in which version: whether what is kept in memory still holds. Driven by head_dt.
SELECT id, ver FROM head WHERE type = $1 AND NOT deleted AND pat IS NULL ORDER BY id LIMIT 500
