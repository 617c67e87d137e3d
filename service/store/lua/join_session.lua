#!lua
-- Remember that a client got something in this session, if the session is alive.
-- KEYS  session, session_clients
-- ARGV  client_id
-- RETURNS joined | ended
local session, session_clients = unpack(KEYS)
local client_id = unpack(ARGV)
local left = redis.call('PTTL', session)
if left < 0 then
  return 'ended'
end
redis.call('SADD', session_clients, client_id)
redis.call('PEXPIRE', session_clients, left + 60000)
return 'joined'
