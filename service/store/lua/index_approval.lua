#!lua
-- Index a request that waits for a user, unless ``most`` of the same client wait already. Requests that are over leave the index.
-- A member is the reference of the request, a blank and the client_id; its score is the second at which it ends.
-- KEYS  approvals
-- ARGV  client_id, reference, ends, most
-- RETURNS indexed | full
local approvals = unpack(KEYS)
local client_id, reference, ends, most = unpack(ARGV)
local added, count = reference .. ' ' .. client_id, 0
redis.call('ZREMRANGEBYSCORE', approvals, '-inf', redis.call('TIME')[1])
for _, member in ipairs(redis.call('ZRANGE', approvals, '0', '-1')) do
  if member ~= added and string.match(member, ' (.*)$') == client_id then
    count = count + 1
  end
end
if count >= tonumber(most) then
  return 'full'
end
redis.call('ZADD', approvals, ends, added)
local last = redis.call('ZRANGE', approvals, '-1', '-1', 'WITHSCORES')[2]
redis.call('EXPIREAT', approvals, string.format('%d', last))
return 'indexed'
