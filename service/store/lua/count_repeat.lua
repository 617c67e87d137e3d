#!lua
-- Count that a sealed reply was given once more, and delete it after ``most`` times.
-- KEYS  reply
-- ARGV  most
-- RETURNS counted
local reply = unpack(KEYS)
local most = unpack(ARGV)
-- INCLUDE count_repeat
count_repeat(reply, most)
return 'counted'
