#!lua flags=allow-oom
-- Take what is due, leaving it in the queue for later: should the process that took it die, another takes it up then.
-- KEYS  deliveries
-- ARGV  now, lease_ends, most
-- RETURNS claimed
local deliveries = unpack(KEYS)
local now, lease_ends, most = unpack(ARGV)
local due = redis.call('ZRANGEBYSCORE', deliveries, '-inf', now, 'LIMIT', 0, most)
for _, delivery_id in ipairs(due) do
  redis.call('ZADD', deliveries, lease_ends, delivery_id)
end
return {'claimed', due}
