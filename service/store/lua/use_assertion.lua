#!lua
-- Use an assertion, which counts once; ``by`` tells a command that is sent again from a second use.
-- KEYS  assertion
-- ARGV  by, ends
-- RETURNS first | used
local assertion = unpack(KEYS)
local by, ends = unpack(ARGV)
local held = redis.call('GET', assertion)
if held and held ~= by then
  return 'used'
end
redis.call('SET', assertion, by, 'EXAT', ends)
return 'first'
