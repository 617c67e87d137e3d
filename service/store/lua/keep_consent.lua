#!lua
-- Remember what a person allowed a client; all that is remembered of a person ends when nothing was allowed for so long.
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
