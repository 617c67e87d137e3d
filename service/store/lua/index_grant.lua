#!lua
-- Put a grant into its user's index until the second at which it ends, unless the user is disabled, and into the index of its
-- kin: the user's grants of the same kind and client. At most ``most`` of these may live (0 means not counted): the answer
-- 'indexed' carries the grants to end. Among its kin a grant counts until counts_until, or until its end if that is empty.
-- known: 'indexed' if the grant was indexed before, 'counted' if also its kind is the same. 'sent_again': it may be that this
-- command is sent again, and the grant was extended in between; then nothing changes if the index has a later end by now.
-- A grant without kin has no such index (shared/alone.lua): that is made when a second one comes.
-- KEYS  user_grants, user_disabled, kin, other_kin
-- ARGV  grant_id, grant_ends, most, counts_until, known
-- RETURNS indexed | disabled
local user_grants, user_disabled, kin, other_kin = unpack(KEYS)
local grant_id, grant_ends, most, counts_until, known = unpack(ARGV)
if redis.call('EXISTS', user_disabled) == 1 then
  return 'disabled'
end
local is_for_ever, is_counted = grant_ends == '0', most ~= '0'
-- INCLUDE mark_of
local is_known = known == 'counted' or known == 'indexed' and not is_counted
if is_known and not is_for_ever and tonumber(grant_ends) < MARKED_BEFORE and redis.REDIS_VERSION_NUM then
  -- Mostly it only lives on, until after all others of its user: then one command finds its place, and one extends the index.
  local has_kin = is_counted and redis.call('EXISTS', kin) == 1
  local score = grant_ends
  if is_counted and not has_kin then
    score = grant_ends + mark_of(kin, grant_id)
  end
  if redis.call('ZADD', user_grants, 'XX', 'GT', 'CH', score, grant_id) == 1
    and redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 1
    and (not has_kin or redis.call('ZADD', kin, 'XX', 'GT', 'CH', grant_ends, grant_id) == 1
      and redis.call('EXPIREAT', kin, grant_ends, 'GT') == 1) then
    return 'indexed'
  end
end
local held = redis.call('ZSCORE', user_grants, grant_id)
local held_ends, held_mark = 0, 0
if held and held ~= 'inf' then
  held_ends, held_mark = math.floor(held), held % 1
end
if known == 'sent_again' and not is_for_ever and (held == 'inf' or held_ends > tonumber(grant_ends)) then
  return 'indexed'
end
local mark, has_kin = held_mark, true
if is_counted and counts_until == '' then
  has_kin, mark = redis.call('EXISTS', kin) == 1, 0
  if not has_kin and not is_for_ever and math.max(grant_ends, held_ends) < MARKED_BEFORE then
    mark = mark_of(kin, grant_id)
  end
end
local score = grant_ends
if is_for_ever then
  score = '+inf'
elseif mark ~= 0 or held_ends > tonumber(grant_ends) then
  score = math.max(grant_ends, held_ends) + mark -- never moved to an earlier end
end
redis.call('ZADD', user_grants, score, grant_id)
if not held then
  -- With each new grant those that are over leave: by this server's clock, as they end, not by one that may be ahead.
  redis.call('ZREMRANGEBYSCORE', user_grants, '-inf', '(' .. redis.call('TIME')[1])
end
-- Mostly a grant only lives on, and then so does the index; Redis 7 does that in one call.
if is_for_ever or not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', user_grants, grant_ends, 'GT') == 0 then
  -- INCLUDE fit_index
  fit_index(user_grants)
end
if not is_counted or (not has_kin and known ~= 'indexed' and mark == held_mark and mark ~= 0) then
  return 'indexed'
end
if not has_kin then
  -- INCLUDE alone
  if is_alone(user_grants, grant_id, kin, other_kin) and mark ~= 0 then
    return 'indexed'
  end
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
  -- INCLUDE too_many
  excess = too_many(kin, grant_id, counts_until, tonumber(most))
elseif held == 'inf' and not is_for_ever then
  redis.call('ZADD', kin, counts_until, grant_id) -- it had no end before
end
if not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', kin, counts_until, 'GT') == 0 then
  -- INCLUDE fit_index
  fit_index(kin)
end
return excess[1] and {'indexed', unpack(excess)} or 'indexed'
