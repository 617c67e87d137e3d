#!lua
-- Begin a grant with an authorization code.
-- KEYS  grant, code
-- ARGV  grant_record, code_record, ends
-- RETURNS issued | ended
local grant, code = unpack(KEYS)
local grant_record, code_record, ends = unpack(ARGV)
-- INCLUDE keep
if redis.call('EXISTS', code) == 1 then
  return 'issued' -- sent again after a dropped connection
end
if redis.call('EXISTS', grant) == 1 then
  return 'ended'
end
keep(grant, grant_record, ends)
keep(code, code_record, ends)
return 'issued'
