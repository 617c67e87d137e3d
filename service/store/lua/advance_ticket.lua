#!lua
-- Let a waiting question go on to its next stage, if it is still at the one that was seen; it keeps its end.
-- KEYS  ticket
-- ARGV  seen, replacement
-- RETURNS advanced | changed
local ticket = unpack(KEYS)
local seen, replacement = unpack(ARGV)
local held = redis.call('GET', ticket)
if held == replacement then
  return 'advanced' -- sent again after a dropped connection
end
if held ~= seen then
  return 'changed'
end
redis.call('SET', ticket, replacement, 'KEEPTTL')
return 'advanced'
