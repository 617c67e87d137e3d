#!lua flags=allow-oom
-- End a grant and everything it issued. The answer 'revoked' carries the client that it was given to.
-- KEYS  grant
-- ARGV  -
-- RETURNS revoked | unknown
local grant = unpack(KEYS)
-- INCLUDE publish_end
-- INCLUDE end_grant
local record = redis.call('GET', grant)
if end_grant(grant) then
  return {'revoked', cjson.decode(string.sub(record, 23)).c}
end
return 'unknown'
