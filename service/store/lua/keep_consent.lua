#!lua
-- Remember what a user allowed a client. All consents of a user end together, when none was given for the whole lifetime.
-- KEYS  consents
-- ARGV  client_id, consent_record, lifetime
-- RETURNS kept
local consents = unpack(KEYS)
local client_id, consent_record, lifetime = unpack(ARGV)
redis.call('HSET', consents, client_id, consent_record)
if lifetime == '0' then
  redis.call('PERSIST', consents)
else
  redis.call('EXPIRE', consents, lifetime)
end
return 'kept'
