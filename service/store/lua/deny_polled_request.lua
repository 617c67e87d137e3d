#!lua
-- Deny a request that its client polls for, only while it waits. ``by`` is a random word that distinguishes a command that is
-- sent again from another one.
-- KEYS  request
-- ARGV  by
-- RETURNS denied | ended
local request = unpack(KEYS)
local by = unpack(ARGV)
local held = redis.call('GET', request)
if not held then
  return 'ended'
end
local state = string.sub(held, 27)
if state == 'denied:' .. by then
  return 'denied' -- sent again after a dropped connection
end
if string.sub(state, 1, 8) ~= 'waiting:' then
  return 'ended'
end
redis.call('SET', request, string.sub(held, 1, 26) .. 'denied:' .. by, 'KEEPTTL')
return 'denied'
