#!lua
-- Put a grant into its user's index until the second at which it ends, unless the user is disabled.
-- KEYS  user_grants, user_disabled
-- ARGV  grant_id, grant_ends
-- RETURNS indexed | disabled
local user_grants, user_disabled = unpack(KEYS)
local grant_id, grant_ends = unpack(ARGV)
-- INCLUDE fit_index
if redis.call('EXISTS', user_disabled) == 1 then
  return 'disabled'
end
-- By this server's clock, as the grants end: whoever asks may have one that is ahead, and would take living ones out.
redis.call('ZREMRANGEBYSCORE', user_grants, '-inf', '(' .. redis.call('TIME')[1])
local ends = grant_ends == '0' and '+inf' or grant_ends
if redis.call('ZADD', user_grants, 'GT', 'CH', ends, grant_id) == 0 and redis.call('ZSCORE', user_grants, grant_id) == 'inf' then
  redis.call('ZADD', user_grants, ends, grant_id) -- it was to live for ever, and is no more
end
-- Mostly a grant only lives on, and then so does the index; Redis 7 does that in one call.
if grant_ends == '0' or not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 0 then
  fit_index(user_grants)
end
return 'indexed'
