#!lua
-- Exchange a refresh token for its one successor, leaving the sealed response for repeats; a late repeat ends the grant.
-- The sealed reply that its predecessor left is deleted: a client that uses the successor has received it. ``fingerprint`` is empty or
-- a colon and a fingerprint of the request. While the reply is kept, a request with another fingerprint gets a new access token
-- together with the successor that exists already, if it brings one (``added``).
-- KEYS  grant, refresh_token, reply, new_access_token, new_refresh_token, predecessor_reply
-- ARGV  access_record, access_ends, new_record, new_ends, grant_ends, used_ends, sealed_reply, grace, fingerprint, adds, most_repeats
-- RETURNS spent | repeated | added | refused | replayed | ended
local grant, refresh_token, reply, new_access_token, new_refresh_token, predecessor_reply = unpack(KEYS)
local access_record, access_ends, new_record, new_ends, grant_ends, used_ends, sealed_reply, grace, fingerprint, adds, most_repeats = unpack(ARGV)
-- INCLUDE keep
-- INCLUDE extend
local records = redis.call('MGET', refresh_token, grant, predecessor_reply)
local held = records[1]
if not held or not records[2] or records[2] == '' then
  return 'ended'
end
local new_hash = string.sub(new_refresh_token, -22)
local used = 'used:' .. new_hash .. fingerprint
if held == used then
  return 'spent' -- sent again after a dropped connection
end
if string.sub(held, 1, 5) == 'used:' then
  local waiting = redis.call('GET', reply)
  if waiting then
    -- INCLUDE count_repeat
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
  -- INCLUDE publish_end
  -- INCLUDE end_grant
  end_grant(grant)
  return 'replayed'
end
keep(new_access_token, access_record, access_ends)
if new_record ~= '' then
  keep(new_refresh_token, new_record, new_ends)
  redis.call('SETRANGE', grant, '0', new_hash)
end
extend(grant, grant_ends)
keep(refresh_token, used, used_ends)
if records[3] then
  redis.call('DEL', predecessor_reply)
end
if grace ~= '0' then
  redis.call('SET', reply, sealed_reply, 'EX', grace)
end
return 'spent'
