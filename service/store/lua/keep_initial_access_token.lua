#!lua flags=allow-oom
-- Store an initial access token for ``lifetime`` seconds: never without an end, which two commands might leave it.
-- KEYS  token
-- ARGV  uses, lifetime
-- RETURNS kept
local token = unpack(KEYS)
local uses, lifetime = unpack(ARGV)
redis.call('HSET', token, 'left', uses)
redis.call('EXPIRE', token, lifetime)
return 'kept'
