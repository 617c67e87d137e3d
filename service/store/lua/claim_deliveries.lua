#!lua flags=allow-oom
-- Return the deliveries that are due and postpone them in the queue: if the process that claims them dies, another one
-- claims them later.
-- KEYS  deliveries
-- ARGV  now, lease_ends, most
-- RETURNS claimed
local deliveries = unpack(KEYS)
local now, lease_ends, most = unpack(ARGV)
local due = redis.call('ZRANGEBYSCORE', deliveries, '-inf', now, 'LIMIT', '0', most)
for _, delivery_id in ipairs(due) do
  redis.call('ZADD', deliveries, lease_ends, delivery_id)
end
return {'claimed', due}
