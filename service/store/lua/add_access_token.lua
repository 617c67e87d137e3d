#!lua
-- Keep an access token beside the code of a grant that has just begun; the grant lives on as long as either.
-- KEYS  grant, access_token
-- ARGV  access_record, access_ends
-- RETURNS issued | ended
local grant, access_token = unpack(KEYS)
local access_record, access_ends = unpack(ARGV)
-- INCLUDE keep
-- INCLUDE extend
if redis.call('STRLEN', grant) == 0 then
  return 'ended'
end
keep(access_token, access_record, access_ends)
extend(grant, access_ends)
return 'issued'
