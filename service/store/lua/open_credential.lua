#!lua flags=no-writes
-- Read a credential, its grant and the sealed reply to its last use, with the seconds at which credential and grant end.
-- KEYS  credential, grant, reply
-- ARGV  -
-- RETURNS found | unknown
local credential, grant, reply = unpack(KEYS)
-- INCLUDE ends_at
local records = redis.call('MGET', credential, grant, reply)
if not records[1] then
  return 'unknown'
end
return {'found', records[1], records[2] or '', records[3] or '', ends_at(credential), ends_at(grant)}
