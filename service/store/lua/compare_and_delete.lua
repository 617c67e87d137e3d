#!lua flags=allow-oom
-- Delete a record if it is still the one that was read; an empty one means "whatever it is now".
-- KEYS  record
-- ARGV  seen
-- RETURNS ended | changed | unknown
local record = unpack(KEYS)
local seen = unpack(ARGV)
local held = redis.call('GET', record)
if not held then
  return 'unknown'
end
if seen ~= '' and held ~= seen then
  return 'changed'
end
redis.call('DEL', record)
return 'ended'
