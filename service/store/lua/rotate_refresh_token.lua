#!lua
-- Exchange a refresh token for its one successor, leaving the sealed response for repeats; a late repeat ends the grant.
-- The sealed reply that its predecessor left is deleted: a client that uses the successor has received it. ``fingerprint`` is empty or
-- a colon and a fingerprint of the request. While the reply is kept, a request with another fingerprint gets a new access token
-- together with the successor that exists already, if it brings one (``added``).
-- KEYS  grant, refresh_token, reply, new_access_token, new_refresh_token, predecessor_reply
-- ARGV  access_record, access_ends, new_hash, new_record, new_ends, grant_ends, used_ends, sealed_reply, grace, fingerprint, adds, most_repeats
-- RETURNS spent | repeated | added | refused | replayed | ended
local grant, refresh_token, reply, new_access_token, new_refresh_token, predecessor_reply = unpack(KEYS)
local access_record, access_ends, new_hash, new_record, new_ends, grant_ends, used_ends, sealed_reply, grace, fingerprint, adds, most_repeats = unpack(ARGV)
-- INCLUDE ends_at
-- INCLUDE keep
-- INCLUDE extend
-- INCLUDE publish_end
-- INCLUDE end_grant
-- INCLUDE count_repeat
local records = redis.call('MGET', refresh_token, grant)
local held = records[1]
if not held or not records[2] or records[2] == '' then
  return 'ended'
end
local used = 'used:' .. new_hash .. fingerprint
if held == used then
  return 'spent' -- sent again after a dropped connection
end
if string.sub(held, 1, 5) == 'used:' then
  local waiting = redis.call('GET', reply)
  if waiting then
    count_repeat(reply, most_repeats)
    if string.sub(held, 28) == fingerprint then
      return {'repeated', waiting}
    end
    if adds == '' then
      return 'refused'
    end
    keep(new_access_token, access_record, access_ends)
    extend(grant, access_ends)
    return {'added', waiting}
  end
  end_grant(grant)
  return 'replayed'
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
redis.call('SET', refresh_token, used, 'EXAT', used_ends)
if string.sub(predecessor_reply, -1) ~= ':' then -- it had a predecessor
  redis.call('DEL', predecessor_reply)
end
if grace ~= '0' then
  redis.call('SET', reply, sealed_reply, 'EX', grace)
end
return 'spent'
