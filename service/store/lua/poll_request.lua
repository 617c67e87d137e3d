#!lua
-- Poll for a decision. A poll within the interval since the last one only answers slow_down, and lengthens the interval by 5
-- seconds. The interval is a key that expires half a second early, since regular polls arrive irregularly. ``poll`` is a random
-- word of this poll: it distinguishes a command that is sent again. Once the request is spent and its reply has arrived, a
-- further poll within the interval is refused at once, and ends nothing.
-- KEYS  request, pause, grant, reply
-- ARGV  client, poll
-- RETURNS pending | slow_down | denied | allowed | spent | ended | expired | foreign
local request, pause, grant, reply = unpack(KEYS)
local client, poll = unpack(ARGV)
local held = redis.call('GET', request)
if not held then
  return 'expired'
end
if string.sub(held, 5, 26) ~= client then
  return 'foreign'
end
local early = 'early:' .. poll
local last = redis.call('GET', pause)
if last == early then
  return 'slow_down' -- sent again after a dropped connection
end
local interval = tonumber(string.sub(held, 1, 4))
if last and last ~= poll then
  if string.sub(held, 27, 32) == 'spent:' and redis.call('EXISTS', reply) == 0 then
    return 'ended' -- there is nothing to wait for: the client has its tokens
  end
  interval = math.min(interval + 5, 9999)
  redis.call('SETRANGE', request, '0', string.format('%04d', interval))
  redis.call('SET', pause, early, 'PX', string.format('%d', interval * 1000 - 500))
  return 'slow_down'
end
redis.call('SET', pause, poll, 'PX', string.format('%d', interval * 1000 - 500))
local state, content = string.match(string.sub(held, 27), '^(%a+):(.*)$')
if state == 'waiting' then
  return 'pending'
end
if state == 'denied' then
  return {'denied', content}
end
local records = redis.call('MGET', grant, reply)
if not records[1] or records[1] == '' then
  return 'ended'
end
return {state, content, records[1], records[2] or ''}
