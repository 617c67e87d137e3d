#!lua flags=allow-oom
-- Put a delivery into the queue, or back into it, with the second at which it is due. The queue expires if no process delivers.
-- A new delivery is refused where ``most`` wait already (0 means no bound).
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
