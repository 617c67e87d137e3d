-- Set a key until a second of the epoch; '0' means without an end. Since times are absolute, a repeated write changes nothing.
local function keep(key, value, ends)
  if ends == '0' then
    redis.call('SET', key, value)
  else
    redis.call('SET', key, value, 'EXAT', ends)
  end
end

