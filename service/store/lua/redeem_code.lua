#!lua
-- Redeem a code once, storing the tokens it buys; a second try ends the grant. An empty refresh_record means none. The
-- sealed reply is kept until the client is known to have it; until then a second try gets the reply.
-- access_hash: the hash of the access token; if the code was bound to a key, a colon and the mark of that key follow.
-- KEYS  grant, code, access_token, refresh_token, reply
-- ARGV  access_hash, access_record, access_ends, refresh_record, refresh_ends, grant_ends, spent_ends, with_access_token, sealed_reply, grace
-- RETURNS spent | repeated | replayed | ended
local grant, code, access_token, refresh_token, reply = unpack(KEYS)
local access_hash, access_record, access_ends, refresh_record, refresh_ends, grant_ends, spent_ends, with_access_token, sealed_reply, grace = unpack(ARGV)
-- INCLUDE keep
local records = redis.call('MGET', code, grant)
local held, grant_record = records[1], records[2]
if not held or not grant_record or grant_record == '' then
  return 'ended'
end
if held == 'spent:' .. access_hash then
  return 'spent' -- sent again after a dropped connection
end
if string.sub(held, 1, 6) == 'spent:' then
  local waiting = redis.call('GET', reply)
  if waiting then
    return {'repeated', waiting}
  end
  -- INCLUDE publish_end
  -- INCLUDE end_grant
  end_grant(grant)
  return 'replayed'
end
keep(access_token, access_record, access_ends)
local live_refresh_token = string.sub(grant_record, 1, 22)
if refresh_record ~= '' then
  keep(refresh_token, refresh_record, refresh_ends)
  live_refresh_token = string.sub(refresh_token, -22) -- its hash
end
local redeemed_grant = live_refresh_token .. string.sub(grant_record, 23)
if with_access_token == '' then
-- Until now the grant had issued nothing but the code, so it ends with the tokens that it issues here.
  keep(grant, redeemed_grant, grant_ends)
else
  -- The access token that was issued beside the code may live longer than what the code buys.
  redis.call('SET', grant, redeemed_grant, 'KEEPTTL')
  -- INCLUDE extend
  extend(grant, grant_ends)
end
keep(code, 'spent:' .. access_hash, spent_ends)
if grace ~= '0' then
  redis.call('SET', reply, sealed_reply, 'EX', grace)
end
return 'spent'
