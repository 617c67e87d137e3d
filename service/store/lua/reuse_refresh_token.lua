#!lua
-- Issue an access token for a refresh token that is not rotated: only its record (refreshes left) and its end change. The
-- sealed reply that its predecessor left is deleted. A disabled user's grant ends.
-- KEYS  grant, refresh_token, new_access_token, predecessor_reply, user_disabled
-- ARGV  access_record, access_ends, seen_record, new_record, new_ends, grant_ends
-- RETURNS spent | changed | ended
local grant, refresh_token, new_access_token, predecessor_reply, user_disabled = unpack(KEYS)
local access_record, access_ends, seen_record, new_record, new_ends, grant_ends = unpack(ARGV)
-- INCLUDE ends_at
-- INCLUDE keep
-- INCLUDE extend
local records = redis.call('MGET', refresh_token, grant, user_disabled)
local held = records[1]
if not held or not records[2] or records[2] == '' then
  return 'ended'
end
if records[3] then
  -- INCLUDE publish_end
  -- INCLUDE end_grant
  end_grant(grant)
  return 'ended'
end
if redis.call('EXISTS', new_access_token) == 1 then
  return 'spent' -- sent again after a dropped connection
end
if held ~= seen_record then
  return 'changed' -- another refresh was first; its count of refreshes left must not be lost
end
keep(new_access_token, access_record, access_ends)
keep(refresh_token, new_record, new_ends)
extend(grant, grant_ends)
redis.call('DEL', predecessor_reply)
return 'spent'
