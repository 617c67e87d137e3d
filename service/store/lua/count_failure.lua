#!lua
-- Count a failure; beyond the allowed number, block for a delay that doubles each time. Times are seconds.
-- KEYS  failures, blocked
-- ARGV  allowed, first_delay, longest_delay, memory
-- RETURNS counted | blocked
local failures, blocked = unpack(KEYS)
local allowed, first_delay, longest_delay, memory = unpack(ARGV)
local count = redis.call('INCR', failures)
local over = count - tonumber(allowed)
if over <= 0 then
  redis.call('EXPIRE', failures, memory)
  return 'counted'
end
local delay = math.min(tonumber(longest_delay), tonumber(first_delay) * 2 ^ math.min(over - 1, 30))
redis.call('SET', blocked, count, 'EX', delay)
redis.call('EXPIRE', failures, math.max(tonumber(memory), delay))
return {'blocked', delay}
