-- Let an index end with the last grant it points to.
local function fit_index(index)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
  if not last[1] then
    return
  end
  if last[2] == 'inf' then
    redis.call('PERSIST', index)
  else
    redis.call('EXPIREAT', index, last[2])
  end
end

