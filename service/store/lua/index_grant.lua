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
local ends = grant_ends == '0' and '+inf' or grant_ends
if redis.call('ZADD', user_grants, 'GT', ends, grant_id) == 1 then
  -- With each new grant those that are over leave: by this server's clock, as they end, not by one that may be ahead.
  redis.call('ZREMRANGEBYSCORE', user_grants, '-inf', '(' .. redis.call('TIME')[1])
end
-- Mostly a grant only lives on, and then so does the index; Redis 7 does that in one call.
if grant_ends == '0' or not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 0 then
  if ends ~= '+inf' and redis.call('ZSCORE', user_grants, grant_id) == 'inf' then
    redis.call('ZADD', user_grants, ends, grant_id) -- it was to live for ever, and is no more
  end
  fit_index(user_grants)
end
return 'indexed'
