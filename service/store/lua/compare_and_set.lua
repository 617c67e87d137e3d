#!lua flags=allow-oom
-- Replace a record if it is still the one that was read; an empty one means "not there".
-- KEYS  record
-- ARGV  seen, replacement
-- RETURNS replaced | changed
local record = unpack(KEYS)
local seen, replacement = unpack(ARGV)
local held = redis.call('GET', record) or ''
if held == replacement then
  return 'replaced' -- sent again after a dropped connection
end
if held ~= seen then
  return 'changed'
end
redis.call('SET', record, replacement)
return 'replaced'
