#!lua
-- Keep an access token that another token of the same grant is exchanged for, if everything that it derives from is alive.
-- KEYS  grant, access_token
-- ARGV  access_record, access_ends
-- RETURNS issued | ended
local grant, access_token = unpack(KEYS)
local access_record, access_ends = unpack(ARGV)
-- INCLUDE keep
-- INCLUDE lives_on
if not lives_on(grant, access_record) then
  return 'ended'
end
keep(access_token, access_record, access_ends)
return 'issued'
