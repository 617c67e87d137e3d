#!lua flags=allow-oom
-- Revoke a token for the client it was issued to. With ends_grant = '1' everything that its grant issued is revoked, except
-- for an exchanged token, whose grant is another client's. The answer 'revoked' carries the subject of a grant that was ended.
-- KEYS  credential, grant
-- ARGV  client_id, ends_grant
-- RETURNS revoked | unknown | foreign
local credential, grant = unpack(KEYS)
local client_id, ends_grant = unpack(ARGV)
-- INCLUDE publish_end
-- INCLUDE is_exchanged
local held = redis.call('GET', credential)
if not held then
  return 'unknown'
end
local grant_record = redis.call('GET', grant)
local whose
if is_exchanged(held) then
  whose = cjson.decode(held).g
  ends_grant = '0'
elseif grant_record and grant_record ~= '' then
  whose = cjson.decode(string.sub(grant_record, 23))
elseif string.sub(held, 1, 1) == '{' then
  whose = cjson.decode(held).g
end
if not whose then
  return 'unknown'
end
if whose.c ~= client_id then
  return 'foreign'
end
redis.call('DEL', credential)
publish_end(credential)
if ends_grant == '1' and whose.u then
  -- INCLUDE end_grant
  end_grant(grant)
  return {'revoked', whose.u}
end
return 'revoked'
