#!lua flags=allow-oom
-- End a session; with it come the clients that got something in it. Sent again, it tells them again, until they are
-- forgotten (forget_clients_soon) or a day has passed: what was cut off has to find them. Beside them 1 where it was alive
-- until now.
-- KEYS  session, session_clients
-- ARGV  -
-- RETURNS ended | unknown
local session, session_clients = unpack(KEYS)
local known = redis.call('DEL', session)
local clients = redis.call('SMEMBERS', session_clients)
if #clients > 0 then
  redis.call('EXPIRE', session_clients, 86400)
end
if known == 0 and #clients == 0 then
  return 'unknown'
end
return {'ended', clients, known}
