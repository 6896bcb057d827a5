-- name: state
SELECT s.stamp, s.readied, coalesce((SELECT json_agg(json_build_array(p.name, p.wanted, p.ready)) FROM search_part p), '[]')::text AS parts
FROM search_state s

-- name: stamps
SELECT stamp, readied FROM search_state

-- name: parameters
SELECT type, code, id, kind, expression, targets, components::text AS components, url, generation, ready
FROM search_parameter ORDER BY type, code
