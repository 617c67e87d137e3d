#!lua
-- Put a grant into its user's index until the second at which it ends, unless the user is disabled, and into the index of its
-- kin: the user's grants of the same kind and client. At most ``most`` of these may live (0 means not counted): the answer
-- 'indexed' carries the grants to end. Among its kin a grant counts until counts_until, or until its end if that is empty. With
-- may_lag = '1' nothing changes if the index has a later end for the grant by now: then the command was sent again, and the
-- grant has been extended in between.
-- KEYS  user_grants, user_disabled, kin, other_kin
-- ARGV  grant_id, grant_ends, most, counts_until, may_lag
-- RETURNS indexed | disabled
local user_grants, user_disabled, kin, other_kin = unpack(KEYS)
local grant_id, grant_ends, most, counts_until, may_lag = unpack(ARGV)
-- INCLUDE fit_index
-- INCLUDE too_many
if redis.call('EXISTS', user_disabled) == 1 then
  return 'disabled'
end
if may_lag == '1' and grant_ends ~= '0' then
  local held = redis.call('ZSCORE', user_grants, grant_id)
  if held and (held == 'inf' or tonumber(held) > tonumber(grant_ends)) then
    return {'indexed'}
  end
end
local ends = grant_ends == '0' and '+inf' or grant_ends
local is_shortened = false
if redis.call('ZADD', user_grants, 'GT', ends, grant_id) == 1 then
  -- With each new grant those that are over leave: by this server's clock, as they end, not by one that may be ahead.
  redis.call('ZREMRANGEBYSCORE', user_grants, '-inf', '(' .. redis.call('TIME')[1])
end
-- Mostly a grant only lives on, and then so does the index; Redis 7 does that in one call.
if grant_ends == '0' or not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 0 then
  if ends ~= '+inf' and redis.call('ZSCORE', user_grants, grant_id) == 'inf' then
    redis.call('ZADD', user_grants, ends, grant_id) -- it was to live for ever, and is no more
    is_shortened = true
  end
  fit_index(user_grants)
end
if most == '0' then
  return 'indexed'
end
if ends == '+inf' then
  counts_until = string.format('%d', redis.call('TIME')[1] + 315360000) -- for ten years since its last use
elseif counts_until == '' then
  counts_until = ends
end
local excess = {}
if redis.call('ZADD', kin, 'GT', counts_until, grant_id) == 1 then
  redis.call('ZREM', other_kin, grant_id)
  if redis.call('ZCARD', kin) == 1 then
    redis.call('EXPIREAT', kin, counts_until) -- the first of its kind, as most are
    return {'indexed'}
  end
  excess = too_many(kin, grant_id, counts_until, tonumber(most))
elseif is_shortened then
  redis.call('ZADD', kin, counts_until, grant_id)
end
if not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', kin, counts_until, 'GT') == 0 then
  fit_index(kin)
end
return {'indexed', unpack(excess)}
