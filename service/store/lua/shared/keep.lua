-- Set a key until a second of the epoch; '0' means without an end. Since times are absolute, a repeated write changes nothing.
-- In milliseconds, as the server would else rewrite the command, to send that to its replicas.
local function keep(key, value, ends)
  if ends == '0' then
    redis.call('SET', key, value)
  else
    redis.call('SET', key, value, 'PXAT', ends .. '000')
  end
end

