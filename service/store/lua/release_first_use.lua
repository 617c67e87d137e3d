#!lua flags=allow-oom
-- Forget a use that brought nothing, if ``by`` is the word that it was recorded with.
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
