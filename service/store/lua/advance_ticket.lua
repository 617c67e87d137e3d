#!lua
-- Replace the record under a ticket, if it is still the one that was read. Its time to live stays as it is.
-- KEYS  ticket
-- ARGV  seen, replacement, ends
-- RETURNS advanced | changed
local ticket = unpack(KEYS)
local seen, replacement, ends = unpack(ARGV)
local held = redis.call('GET', ticket) or ''
if held == replacement then
  return 'advanced' -- sent again after a dropped connection
end
if held ~= seen then
  return 'changed'
end
if held == '' then
  redis.call('SET', ticket, replacement, 'EXAT', ends)
else
  redis.call('SET', ticket, replacement, 'KEEPTTL')
end
return 'advanced'
