#!lua
-- Issue an access token for a refresh token that is not rotated: only its record (refreshes left) and its end change. The
-- sealed reply that its predecessor left is deleted.
-- KEYS  grant, refresh_token, new_access_token, predecessor_reply
-- ARGV  access_record, access_ends, seen_record, new_record, new_ends, grant_ends
-- RETURNS spent | changed | ended
local grant, refresh_token, new_access_token, predecessor_reply = unpack(KEYS)
local access_record, access_ends, seen_record, new_record, new_ends, grant_ends = unpack(ARGV)
-- INCLUDE keep
-- INCLUDE extend
local held = redis.call('GET', refresh_token)
if not held or redis.call('STRLEN', grant) == 0 then
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
