-- When a key ends, as a whole second of the epoch; 0 = never or no such key. Redis 7 says so itself; before, ends being
-- written as whole seconds, rounding takes away the milliseconds that pass between TIME and PTTL.
local function ends_at(key)
  if redis.REDIS_VERSION_NUM then
    return math.max(redis.call('EXPIRETIME', key), 0)
  end
  local left = redis.call('PTTL', key)
  if left < 0 then
    return 0
  end
  local now = redis.call('TIME')
  return math.floor((now[1] * 1000 + now[2] / 1000 + left) / 1000 + 0.5)
end

