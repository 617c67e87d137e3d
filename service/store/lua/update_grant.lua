#!lua
-- Change the record of a grant, of an access token of it, or of both, and until when they live; nothing at all where one of
-- them is no longer as it was read. A record that was seen as empty is left alone, so is an end that is given as empty. A
-- grant is only ever made to live longer, but one without an end gets one where its refresh token does.
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
  -- The replacement is there where this was sent again after a dropped connection.
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
publish_end(seen_grant ~= '' and grant or access_token) -- a process that remembers what it was asks again
return 'updated'
