#!lua
-- Remember the browser and the network from which a user signed in: the latest few of each, for a number of seconds.
-- KEYS  known_browsers, known_networks
-- ARGV  browser, network, lifetime, most
-- RETURNS remembered
local known_browsers, known_networks = unpack(KEYS)
local browser, network, lifetime, most = unpack(ARGV)
local now = tonumber(redis.call('TIME')[1])
for place, name in pairs({[known_browsers] = browser, [known_networks] = network}) do
  if name ~= '' then
    redis.call('ZADD', place, now + tonumber(lifetime), name)
    redis.call('ZREMRANGEBYSCORE', place, '-inf', '(' .. now)
    redis.call('ZREMRANGEBYRANK', place, 0, -1 - tonumber(most))
    redis.call('EXPIRE', place, lifetime)
  end
end
return 'remembered'
