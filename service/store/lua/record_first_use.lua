#!lua
-- Record the first use of something that may be used once. ``by`` is a random word that distinguishes a command that is sent
-- again from a second use.
-- KEYS  used
-- ARGV  by, ends
-- RETURNS first | replayed
local used = unpack(KEYS)
local by, ends = unpack(ARGV)
local held = redis.call('GET', used)
if held and held ~= by then
  return 'replayed'
end
redis.call('SET', used, by, 'EXAT', ends)
return 'first'
