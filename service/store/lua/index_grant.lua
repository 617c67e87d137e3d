#!lua
-- Put a grant into its user's index until the second at which it ends, unless the user is disabled.
-- KEYS  user_grants, user_disabled
-- ARGV  grant_id, grant_ends, now
-- RETURNS indexed | disabled
local user_grants, user_disabled = unpack(KEYS)
local grant_id, grant_ends, now = unpack(ARGV)
-- INCLUDE fit_index
if redis.call('EXISTS', user_disabled) == 1 then
  return 'disabled'
end
redis.call('ZREMRANGEBYSCORE', user_grants, '-inf', '(' .. now)
redis.call('ZADD', user_grants, 'GT', grant_ends == '0' and '+inf' or grant_ends, grant_id)
-- Mostly a grant only lives on, and then so does the index; Redis 7 does that in one call.
if grant_ends == '0' or not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 0 then
  fit_index(user_grants)
end
return 'indexed'
