#!lua
-- Redeem a code once, storing the tokens it buys; a second try ends the grant. An empty refresh_record means none.
-- KEYS  grant, code, access_token, refresh_token
-- ARGV  access_hash, access_record, access_ends, refresh_hash, refresh_record, refresh_ends, grant_ends, spent_ends
-- RETURNS redeemed | spent | unknown
local grant, code, access_token, refresh_token = unpack(KEYS)
local access_hash, access_record, access_ends, refresh_hash, refresh_record, refresh_ends, grant_ends, spent_ends = unpack(ARGV)
-- INCLUDE ends_at
-- INCLUDE keep
-- INCLUDE extend
-- INCLUDE end_grant
local held = redis.call('GET', code)
if not held or redis.call('STRLEN', grant) == 0 then
  return 'unknown'
end
if held == 'spent:' .. access_hash then
  return 'redeemed' -- sent again after a dropped connection
end
if string.sub(held, 1, 6) == 'spent:' then
  end_grant(grant)
  return 'spent'
end
keep(access_token, access_record, access_ends)
if refresh_record ~= '' then
  keep(refresh_token, refresh_record, refresh_ends)
  redis.call('SETRANGE', grant, 0, refresh_hash)
end
extend(grant, grant_ends)
keep(code, 'spent:' .. access_hash, spent_ends)
return 'redeemed'
