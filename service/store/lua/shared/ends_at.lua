-- The second of the epoch at which a key ends; 0 if it never does, or is not there. Redis 7 has a command for it. Before, it is
-- computed from TIME and PTTL; ends are whole seconds, so rounding removes the milliseconds that pass between the two.
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

