#!lua
-- Count bytes that are to wait for a while on behalf of an unknown user, unless too many do already; sizes are bytes.
-- KEYS  network, browser, everybody
-- ARGV  size, seconds, network_most, browser_most, everybody_most
-- RETURNS admitted | network | browser | everybody
local network, browser, everybody = unpack(KEYS)
local size, seconds, network_most, browser_most, everybody_most = unpack(ARGV)
local counts = {
  { 'network', network, network_most },
  { 'browser', browser, browser_most },
  { 'everybody', everybody, everybody_most },
}
for _, count in ipairs(counts) do
  if tonumber(redis.call('GET', count[2]) or 0) + tonumber(size) > tonumber(count[3]) then
    return count[1]
  end
end
for _, count in ipairs(counts) do
  redis.call('INCRBY', count[2], size)
  if redis.call('TTL', count[2]) < 0 then
    redis.call('EXPIRE', count[2], seconds)
  end
end
return 'admitted'
