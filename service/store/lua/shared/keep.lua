-- Set a key until a second of the epoch; '0' = for ever. Absolute times make a repeated write the same write.
local function keep(key, value, ends)
  if ends == '0' then
    redis.call('SET', key, value)
  else
    redis.call('SET', key, value, 'EXAT', ends)
  end
end

