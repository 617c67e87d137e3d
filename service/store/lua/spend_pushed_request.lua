#!lua
-- Spend a pushed authorization request, whether it still waits or not. ``by`` is a random word that distinguishes a command that
-- is sent again from another one.
-- KEYS  pushed
-- ARGV  by, ends
-- RETURNS spent | replayed
local pushed = unpack(KEYS)
local by, ends = unpack(ARGV)
local held = redis.call('GET', pushed) or ''
if string.sub(held, 1, 6) == 'spent:' and held ~= 'spent:' .. by then
  return 'replayed'
end
redis.call('SET', pushed, 'spent:' .. by, 'EXAT', ends)
return 'spent'
