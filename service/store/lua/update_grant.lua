#!lua
-- Change the record of a grant, of one of its access tokens, or of both, with the seconds at which they end. Nothing changes
-- if one of them is no longer as it was read. A record that was read as empty and an end that is given as empty stay as they
-- are. The end of a grant only ever moves to later, except that a grant without an end gets one if its refresh token does.
-- KEYS  grant, access_token, refresh_token
-- ARGV  seen_grant, grant_record, seen_access, access_record, access_ends, refresh_ends, grant_ends
-- RETURNS updated | changed | ended
local grant, access_token, refresh_token = unpack(KEYS)
local seen_grant, grant_record, seen_access, access_record, access_ends, refresh_ends, grant_ends = unpack(ARGV)
-- INCLUDE ends_at
-- INCLUDE publish_end
local function compare(key, seen, replacement)
  if seen == '' then
    return 'updated'
  end
  local held = redis.call('GET', key)
  if not held or held == '' then
    return 'ended'
  end
-- The record is the replacement already if the command was sent again after a dropped connection.
  return (held == seen or held == replacement) and 'updated' or 'changed'
end
for _, answer in ipairs({ compare(grant, seen_grant, grant_record), compare(access_token, seen_access, access_record) }) do
  if answer ~= 'updated' then
    return answer
  end
end
if seen_access ~= '' then
  redis.call('SET', access_token, access_record, 'KEEPTTL')
  if access_ends ~= '' then
    redis.call('EXPIREAT', access_token, access_ends)
  end
end
if seen_grant ~= '' then
  redis.call('SET', grant, grant_record, 'KEEPTTL')
  if refresh_ends ~= '' then
    redis.call('EXPIREAT', refresh_token, refresh_ends)
  end
  if grant_ends ~= '' and (refresh_ends ~= '' or ends_at(grant) ~= 0) and ends_at(grant) < tonumber(grant_ends) then
    redis.call('EXPIREAT', grant, grant_ends)
  end
end
publish_end(seen_grant ~= '' and grant or access_token) -- a process that has the record in memory reads it again
return 'updated'
