#!lua
-- Allow a request that its client polls for, and begin its grant. That happens once, and only while the request waits. ``by``
-- is a random word in the allowance: it distinguishes a command that is sent again from another one.
-- KEYS  request, grant
-- ARGV  grant_record, allowance, by, ends
-- RETURNS allowed | ended
local request, grant = unpack(KEYS)
local grant_record, allowance, by, ends = unpack(ARGV)
-- INCLUDE keep
local held = redis.call('GET', request)
if not held then
  return 'ended'
end
local state, granted = string.sub(held, 27), redis.call('GET', grant)
if state == 'allowed:' .. allowance and granted == grant_record then
  return 'allowed' -- sent again after a dropped connection
end
if string.match(state, '^spent:[^:]*:[^:]*:(.+)$') == by and granted and granted ~= '' then
  return 'allowed' -- the same, and its client has its tokens by now
end
if string.sub(state, 1, 8) ~= 'waiting:' or granted then
  return 'ended'
end
keep(grant, grant_record, ends)
redis.call('SET', request, string.sub(held, 1, 26) .. 'allowed:' .. allowance, 'KEEPTTL')
return 'allowed'
