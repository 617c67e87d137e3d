#!lua
-- Use an initial access token once more, if uses are left. ``by`` is a random word that distinguishes a command that is sent
-- again from another registration.
-- KEYS  token
-- ARGV  by
-- RETURNS spent | unknown
local token = unpack(KEYS)
local by = unpack(ARGV)
local held = redis.call('HMGET', token, 'left', 'by')
if held[2] == by then
  return 'spent' -- sent again after a dropped connection
end
if not held[1] or held[1] == '0' then
  return 'unknown'
end
redis.call('HSET', token, 'by', by)
if held[1] ~= '-1' then
  redis.call('HINCRBY', token, 'left', '-1')
end
return 'spent'
