#!lua
-- Release the last use of an initial access token, if it was ``by`` and no client was registered. If another caller has used
-- the token since, the use stays counted: this command may have been sent again after a dropped connection.
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
  redis.call('HINCRBY', token, 'left', '1')
end
return 'released'
