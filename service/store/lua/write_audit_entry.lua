#!lua flags=allow-oom
-- Append an entry to the audit log. The outcome of an act replaces the entry that recorded its beginning.
-- KEYS  audit
-- ARGV  entry_id, entry, begun_at, length
-- RETURNS written
local audit = unpack(KEYS)
local entry_id, entry, begun_at, length = unpack(ARGV)
for _, held in ipairs(redis.call('XREVRANGE', audit, '+', '-', 'COUNT', '50')) do
  if held[2][2] == entry_id then
    return {'written', held[1]} -- sent again after a dropped connection
  end
end
local place = redis.call('XADD', audit, 'MAXLEN', '~', length, '*', 'id', entry_id, 'entry', entry)
if begun_at ~= '' then
  redis.call('XDEL', audit, begun_at)
end
return {'written', place}
