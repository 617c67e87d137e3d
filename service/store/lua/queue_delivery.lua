#!lua flags=allow-oom
-- Put a delivery into the queue, or back into it, for a second at which it is due. The whole ends if nobody delivers.
-- KEYS  deliveries, delivery
-- ARGV  delivery_id, delivery_record, due, keeps
-- RETURNS queued
local deliveries, delivery = unpack(KEYS)
local delivery_id, delivery_record, due, keeps = unpack(ARGV)
redis.call('SET', delivery, delivery_record, 'EX', keeps)
redis.call('ZADD', deliveries, due, delivery_id)
redis.call('EXPIRE', deliveries, keeps)
return 'queued'
