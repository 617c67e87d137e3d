#!lua
-- Reserve one of the places for openly registered clients that are not used yet. Times are seconds; no place is kept for
-- longer than until ``all_end``.
-- KEYS  all, network
-- ARGV  client_id, now, ends_at, all_end, most, most_each
-- RETURNS reserved | network_full | full
local all, network = unpack(KEYS)
local client_id, now, ends_at, all_end, most, most_each = unpack(ARGV)
for _, places in ipairs({all, network}) do
  redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
end
if redis.call('ZSCORE', all, client_id) then
  return 'reserved' -- sent again after a dropped connection
end
if redis.call('ZCARD', network) >= tonumber(most_each) then
  return 'network_full'
end
if redis.call('ZCARD', all) >= tonumber(most) then
  return 'full'
end
for _, places in ipairs({all, network}) do
  redis.call('ZADD', places, ends_at, client_id)
  redis.call('EXPIREAT', places, all_end)
end
return 'reserved'
