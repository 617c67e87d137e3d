#!lua flags=no-writes
-- Read a credential and its grant, with the second at which the credential ends (0 = never). An exchanged token ends with
-- the tokens that it derives from.
-- KEYS  credential, grant
-- ARGV  -
-- RETURNS found | unknown
local credential, grant = unpack(KEYS)
-- INCLUDE ends_at
-- INCLUDE came_from
local records = redis.call('MGET', credential, grant)
if not records[1] or (is_exchanged(records[1]) and not lives_on(grant, records[1])) then
  return 'unknown'
end
return {'found', records[1], records[2] or '', ends_at(credential)}
