#!lua
-- Spend an allowed request once, storing the tokens that it brings; a second try ends the grant. An empty refresh_record
-- means none. The sealed reply is kept until the client is known to have it; until then a second try gets the reply.
-- spent_as: the hash of the access token, the mark of the key that the request is bound to, and the ``by`` of its allowance.
-- KEYS  grant, request, access_token, refresh_token, reply
-- ARGV  spent_as, access_record, access_ends, refresh_record, refresh_ends, grant_ends, spent_ends, sealed_reply, grace
-- RETURNS spent | repeated | replayed | ended
local grant, request, access_token, refresh_token, reply = unpack(KEYS)
local spent_as, access_record, access_ends, refresh_record, refresh_ends, grant_ends, spent_ends, sealed_reply, grace = unpack(ARGV)
-- INCLUDE keep
local records = redis.call('MGET', request, grant)
local held, grant_record = records[1], records[2]
if not held or not grant_record or grant_record == '' then
  return 'ended'
end
local state, content = string.match(string.sub(held, 27), '^(%a+):(.*)$')
if state == 'spent' and content == spent_as then
  return 'spent' -- sent again after a dropped connection
end
if state == 'spent' then
  local waiting = redis.call('GET', reply)
  if waiting then
    return {'repeated', waiting}
  end
  -- INCLUDE publish_end
  -- INCLUDE end_grant
  end_grant(grant)
  return 'replayed'
end
if state ~= 'allowed' then
  return 'ended'
end
keep(access_token, access_record, access_ends)
local live_refresh_token = string.sub(grant_record, 1, 22)
if refresh_record ~= '' then
  keep(refresh_token, refresh_record, refresh_ends)
  live_refresh_token = string.sub(refresh_token, -22) -- its hash
end
keep(grant, live_refresh_token .. string.sub(grant_record, 23), grant_ends)
keep(request, string.sub(held, 1, 26) .. 'spent:' .. spent_as, spent_ends)
if grace ~= '0' then
  redis.call('SET', reply, sealed_reply, 'EX', grace)
end
return 'spent'
