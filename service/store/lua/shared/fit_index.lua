-- Let an index end with the last grant it points to. Redis returns scores with a fraction, or as 1.79e+9.
local function fit_index(index)
  local last = redis.call('ZRANGE', index, '-1', '-1', 'WITHSCORES')
  if last[2] == 'inf' then
    redis.call('PERSIST', index)
  elseif last[1] and tonumber(last[2]) > 0 then
    redis.call('EXPIREAT', index, string.format('%d', last[2]))
  end
end
