#!lua flags=no-writes
-- Whether an exchanged token is alive: it ends with the tokens that it derives from.
-- KEYS  access_token, grant
-- ARGV  -
-- RETURNS found | unknown
local access_token, grant = unpack(KEYS)
-- INCLUDE lives_on
local record = redis.call('GET', access_token)
if not record or not lives_on(grant, record) then
  return 'unknown'
end
return 'found'
