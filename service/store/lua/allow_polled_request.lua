#!lua
-- Allow a request that its client polls for, beginning its grant; once, and only while it waits.
-- KEYS  request, grant
-- ARGV  grant_record, allowance, ends
-- RETURNS allowed | ended
local request, grant = unpack(KEYS)
local grant_record, allowance, ends = unpack(ARGV)
-- INCLUDE keep
local held = redis.call('GET', request)
if not held then
  return 'ended'
end
local state, granted = string.sub(held, 27), redis.call('GET', grant)
if state == 'allowed:' .. allowance and granted == grant_record then
  return 'allowed' -- sent again after a dropped connection
end
if string.sub(state, 1, 8) ~= 'waiting:' or granted then
  return 'ended'
end
keep(grant, grant_record, ends)
redis.call('SET', request, string.sub(held, 1, 26) .. 'allowed:' .. allowance, 'KEEPTTL')
return 'allowed'
