#!lua
-- Put a grant into its user's index until the second at which it ends, unless the user is disabled, and into the index of its
-- kin: the user's grants of the same kind and client. At most ``most`` of these may live (0 means not counted): the answer
-- 'indexed' carries the grants to end. Among its kin a grant counts until counts_until, or until its end if that is empty. With
-- may_lag = '1' nothing changes if the index has a later end for the grant by now: then the command was sent again, and the
-- grant has been extended in between.
-- A grant without kin has no such index (shared/alone.lua): that is made when a second one comes.
-- KEYS  user_grants, user_disabled, kin, other_kin
-- ARGV  grant_id, grant_ends, most, counts_until, may_lag
-- RETURNS indexed | disabled
local user_grants, user_disabled, kin, other_kin = unpack(KEYS)
local grant_id, grant_ends, most, counts_until, may_lag = unpack(ARGV)
-- INCLUDE fit_index
-- INCLUDE too_many
-- INCLUDE alone
if redis.call('EXISTS', user_disabled) == 1 then
  return 'disabled'
end
local is_for_ever = grant_ends == '0'
local held = redis.call('ZSCORE', user_grants, grant_id)
local held_ends, held_mark = 0, 0
if held and held ~= 'inf' then
  held_ends, held_mark = math.floor(held), held % 1
end
if may_lag == '1' and not is_for_ever and (held == 'inf' or held_ends > tonumber(grant_ends)) then
  return 'indexed'
end
local score, mark, has_kin = '+inf', held_mark, true
if most ~= '0' and counts_until == '' then
  has_kin, mark = redis.call('EXISTS', kin) == 1, 0
end
if not is_for_ever then
  local ends = math.max(grant_ends, held_ends) -- never moved to an earlier end
  if not has_kin and ends < MARKED_BEFORE then
    mark = mark_of(kin, grant_id)
  end
  score = string.format('%.17g', ends + mark)
end
redis.call('ZADD', user_grants, score, grant_id)
if not held then
  -- With each new grant those that are over leave: by this server's clock, as they end, not by one that may be ahead.
  redis.call('ZREMRANGEBYSCORE', user_grants, '-inf', '(' .. redis.call('TIME')[1])
end
-- Mostly a grant only lives on, and then so does the index; Redis 7 does that in one call.
if is_for_ever or not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 0 then
  fit_index(user_grants)
end
if most == '0' then
  return 'indexed'
end
if not has_kin and (mark == held_mark and mark ~= 0 or is_alone(user_grants, grant_id, kin, other_kin) and mark ~= 0) then
  return 'indexed'
end
if is_for_ever then
  counts_until = string.format('%d', redis.call('TIME')[1] + 315360000) -- for ten years since its last use
elseif counts_until == '' then
  counts_until = grant_ends
end
local excess = {}
if redis.call('ZADD', kin, 'GT', counts_until, grant_id) == 1 then
  redis.call('ZREM', other_kin, grant_id)
  if redis.call('ZCARD', kin) == 1 then
    redis.call('EXPIREAT', kin, counts_until) -- the first of its kind
    return 'indexed'
  end
  excess = too_many(kin, grant_id, counts_until, tonumber(most))
elseif held == 'inf' and not is_for_ever then
  redis.call('ZADD', kin, counts_until, grant_id) -- it had no end before
end
if not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', kin, counts_until, 'GT') == 0 then
  fit_index(kin)
end
return excess[1] and {'indexed', unpack(excess)} or 'indexed'
