#!lua
-- Begin a grant with its first tokens. An empty refresh_record means no refresh token.
-- KEYS  grant, access_token, refresh_token
-- ARGV  grant_record, grant_ends, access_record, access_ends, refresh_record, refresh_ends
-- RETURNS issued | ended
local grant, access_token, refresh_token = unpack(KEYS)
local grant_record, grant_ends, access_record, access_ends, refresh_record, refresh_ends = unpack(ARGV)
-- INCLUDE keep
if redis.call('EXISTS', grant) == 1 then
  if redis.call('STRLEN', grant) > 0 and redis.call('EXISTS', access_token) == 1 then
    return 'issued' -- sent again after a dropped connection
  end
  return 'ended'
end
keep(grant, grant_record, grant_ends)
keep(access_token, access_record, access_ends)
if refresh_record ~= '' then
  keep(refresh_token, refresh_record, refresh_ends)
end
return 'issued'
