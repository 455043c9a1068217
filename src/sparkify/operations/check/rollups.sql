-- name: user_agents
-- Every user agent of a day is there, once, under the digest of its text.
-- do: Something other than sparkify changed these tables. Load the log files into a new database.
SELECT coalesce(a.user_agent_id, d.user_agent_id) AS user_agent_id,
       CASE WHEN d.user_agent_id IS NULL THEN 'of no day' ELSE 'missing or wrong' END AS what
FROM (SELECT DISTINCT user_agent_id FROM analytics.user_days WHERE user_agent_id IS NOT NULL) d
FULL JOIN analytics.user_agents a USING (user_agent_id)
WHERE d.user_agent_id IS NULL OR (a.user_agent_id = analytics.text_id(a.user_agent)) IS NOT TRUE
