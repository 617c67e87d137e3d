#!lua
-- Keep a browser session, new or renewed, and its place in the user's index; not for a user who is disabled.
-- The index may be in another slot of a Cluster, so a command of its own writes it (index_grant.lua does that for grants).
-- KEYS  session, session_clients
-- ARGV  session_record, seen_hash, ends
-- RETURNS kept | ended
local session, session_clients = unpack(KEYS)
local session_record, seen_hash, ends = unpack(ARGV)
local held = redis.call('GET', session)
if held == session_record then
  return 'kept' -- sent again after a dropped connection
end
if seen_hash ~= '' and (not held or cjson.decode(held).secret_hash ~= seen_hash) then
  return 'ended' -- a renewal must not bring back what was ended, nor undo another renewal
end
redis.call('SET', session, session_record, 'EXAT', ends)
redis.call('EXPIREAT', session_clients, ends)
return 'kept'
