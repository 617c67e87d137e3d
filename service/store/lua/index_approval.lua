#!lua
-- Index a request that waits for a user, unless so many (most) of the same client do; what is over leaves the index.
-- A member is what the request is known by, a blank and the client_id; its score is the second of its end.
-- KEYS  approvals
-- ARGV  client_id, reference, ends, most
-- RETURNS indexed | full
local approvals = unpack(KEYS)
local client_id, reference, ends, most = unpack(ARGV)
local added, count = reference .. ' ' .. client_id, 0
redis.call('ZREMRANGEBYSCORE', approvals, '-inf', redis.call('TIME')[1])
for _, member in ipairs(redis.call('ZRANGE', approvals, 0, -1)) do
  if member ~= added and string.match(member, ' (.*)$') == client_id then
    count = count + 1
  end
end
if count >= tonumber(most) then
  return 'full'
end
redis.call('ZADD', approvals, ends, added)
local last = redis.call('ZRANGE', approvals, -1, -1, 'WITHSCORES')[2]
redis.call('EXPIREAT', approvals, string.format('%d', last))
return 'indexed'
