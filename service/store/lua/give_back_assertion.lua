#!lua flags=allow-oom
-- Forget a use of an assertion that nothing came of, if it was ``by``.
-- KEYS  assertion
-- ARGV  by
-- RETURNS given_back | unknown
local assertion = unpack(KEYS)
local by = unpack(ARGV)
if redis.call('GET', assertion) ~= by then
  return 'unknown'
end
redis.call('DEL', assertion)
return 'given_back'
