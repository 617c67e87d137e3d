#!lua flags=allow-oom
-- End a session. The answer 'ended' carries the clients that got something in it, and 1 if it was alive until now, else 0. A
-- command that is sent again returns the clients again, until forget_clients_soon deletes them or a day has passed, so that
-- an interrupted end can be resumed.
-- KEYS  session, session_clients
-- ARGV  -
-- RETURNS ended | unknown
local session, session_clients = unpack(KEYS)
local known = redis.call('DEL', session)
local clients = redis.call('SMEMBERS', session_clients)
if #clients > 0 then
  redis.call('EXPIRE', session_clients, '86400')
end
if known == 0 and #clients == 0 then
  return 'unknown'
end
return {'ended', clients, known}
