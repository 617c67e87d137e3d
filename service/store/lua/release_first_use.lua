#!lua flags=allow-oom
-- Forget a use that nothing came of, if it was ``by``.
-- KEYS  used
-- ARGV  by
-- RETURNS released | unknown
local used = unpack(KEYS)
local by = unpack(ARGV)
if redis.call('GET', used) ~= by then
  return 'unknown'
end
redis.call('DEL', used)
return 'released'
