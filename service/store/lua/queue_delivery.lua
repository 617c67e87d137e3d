#!lua flags=allow-oom
-- Put a delivery into the queue, or back into it, for a second at which it is due. The whole ends if no process delivers.
-- A new one is left out where already so many wait (most; 0 = no bound).
-- KEYS  deliveries, delivery
-- ARGV  delivery_id, delivery_record, due, keeps, most
-- RETURNS queued | full
local deliveries, delivery = unpack(KEYS)
local delivery_id, delivery_record, due, keeps, most = unpack(ARGV)
if most ~= '0' and redis.call('ZCARD', deliveries) >= tonumber(most) and not redis.call('ZSCORE', deliveries, delivery_id) then
  return 'full'
end
redis.call('SET', delivery, delivery_record, 'EX', keeps)
redis.call('ZADD', deliveries, due, delivery_id)
redis.call('EXPIRE', deliveries, keeps)
return 'queued'
