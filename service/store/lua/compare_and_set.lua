#!lua flags=allow-oom
-- Replace a record if it is still the one that was read; an empty one means "not there". lifetime: seconds; 0 means without
-- an end, empty that the end stays as it is. 'repeated': it is the replacement already, by this command that is sent again
-- after a dropped connection, or by another one that wrote the same.
-- KEYS  record
-- ARGV  seen, replacement, lifetime
-- RETURNS replaced | repeated | changed
local record = unpack(KEYS)
local seen, replacement, lifetime = unpack(ARGV)
local held = redis.call('GET', record) or ''
if held ~= seen then
  return held == replacement and 'repeated' or 'changed'
end
if lifetime == '' then
  redis.call('SET', record, replacement, 'KEEPTTL')
else
  redis.call('SET', record, replacement)
  if lifetime ~= '0' then
    redis.call('EXPIRE', record, lifetime)
  end
end
return 'replaced'
