#!lua flags=allow-oom
-- Take a grant that has ended out of its user's index.
-- KEYS  user_grants
-- ARGV  grant_id
-- RETURNS unindexed
local user_grants = unpack(KEYS)
local grant_id = unpack(ARGV)
-- INCLUDE fit_index
redis.call('ZREM', user_grants, grant_id)
fit_index(user_grants)
return 'unindexed'
