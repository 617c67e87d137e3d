#!lua
-- Exchange a refresh token for its one successor, leaving the sealed response for repeats; a late repeat ends the grant.
-- KEYS  grant, refresh_token, reply, new_access_token, new_refresh_token
-- ARGV  access_record, access_ends, new_hash, new_record, new_ends, grant_ends, used_ends, sealed_reply, grace
-- RETURNS rotated | repeated | reused | ended
local grant, refresh_token, reply, new_access_token, new_refresh_token = unpack(KEYS)
local access_record, access_ends, new_hash, new_record, new_ends, grant_ends, used_ends, sealed_reply, grace = unpack(ARGV)
-- INCLUDE ends_at
-- INCLUDE keep
-- INCLUDE extend
-- INCLUDE end_grant
local records = redis.call('MGET', refresh_token, grant)
local held = records[1]
if not held or not records[2] or records[2] == '' then
  return 'ended'
end
if held == 'used:' .. new_hash then
  return 'rotated' -- sent again after a dropped connection
end
if string.sub(held, 1, 5) == 'used:' then
  local waiting = redis.call('GET', reply)
  if waiting then
    return {'repeated', waiting}
  end
  end_grant(grant)
  return 'reused'
end
keep(new_access_token, access_record, access_ends)
if new_record ~= '' then
  keep(new_refresh_token, new_record, new_ends)
  redis.call('SETRANGE', grant, 0, new_hash)
end
extend(grant, grant_ends)
local ends_now = ends_at(refresh_token)
if ends_now ~= 0 and ends_now < tonumber(used_ends) then
  used_ends = ends_now
end
redis.call('SET', refresh_token, 'used:' .. new_hash, 'EXAT', used_ends)
if grace ~= '0' then
  redis.call('SET', reply, sealed_reply, 'EX', grace)
end
return 'rotated'
