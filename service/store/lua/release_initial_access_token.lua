#!lua
-- Release the last use of an initial access token, if it was ``by``: a use that no client came of. Where another caller
-- used it since, it stays spent: the command may have been sent again after a dropped connection.
-- KEYS  token
-- ARGV  by
-- RETURNS released | unknown
local token = unpack(KEYS)
local by = unpack(ARGV)
local held = redis.call('HMGET', token, 'left', 'by')
if held[2] ~= by then
  return 'unknown'
end
redis.call('HDEL', token, 'by')
if held[1] ~= '-1' then
  redis.call('HINCRBY', token, 'left', 1)
end
return 'released'
