-- name: table
-- Create the table of user agents.
CREATE TABLE IF NOT EXISTS analytics.user_agents (
    user_agent_id  bigint PRIMARY KEY,
    user_agent     text NOT NULL,
    device         text,
    browser        text,
    system         text
);
COMMENT ON TABLE analytics.user_agents IS 'One row per user agent that a play came with.';
COMMENT ON COLUMN analytics.user_agents.user_agent_id IS 'Digest of the user agent.';
COMMENT ON COLUMN analytics.user_agents.user_agent IS 'The user agent, as the log says.';
COMMENT ON COLUMN analytics.user_agents.device IS 'Family of the device, like Mac or iPhone, as ua-parser names it; where it knows none, that of the system, like Windows; else Other. NULL for a moment, until the load that brought it has ended.';
COMMENT ON COLUMN analytics.user_agents.browser IS 'Family of the browser, like Chrome.';
COMMENT ON COLUMN analytics.user_agents.system IS 'Family of the operating system, like Windows.';

-- name: compute
-- Find the user agents of computed days, with their ids.
-- reads: computed_agents, plays_of_days
INSERT INTO computed_agents
SELECT analytics.text_id(user_agent), user_agent
FROM (SELECT DISTINCT user_agent FROM plays_of_days WHERE user_agent IS NOT NULL AND day < {staged_since}) agents

-- name: replace
-- Insert the user agents of new days, and delete those of old days that no day has any more. Staged agents
-- whose plays are gone are skipped.
-- reads: old_days
INSERT INTO analytics.user_agents (user_agent_id, user_agent)
SELECT DISTINCT user_agent_id, user_agent FROM {new_agents} a
WHERE user_agent_id IN (SELECT user_agent_id FROM {new_days} d)
ON CONFLICT DO NOTHING;
DELETE FROM analytics.user_agents a
WHERE user_agent_id IN (SELECT user_agent_id FROM old_days)
  AND NOT EXISTS (SELECT FROM analytics.user_days d WHERE d.user_agent_id = a.user_agent_id)

-- name: unnamed
-- Find the user agents that have no device name yet.
SELECT user_agent_id, left(user_agent, 1000) FROM analytics.user_agents WHERE device IS NULL ORDER BY 1

-- name: name
-- Name the device, browser and system of user agents.
UPDATE analytics.user_agents a SET device = n.device, browser = n.browser, system = n.system
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS n (user_agent_id, device, browser, system)
WHERE a.user_agent_id = n.user_agent_id
