-- Let a key live at least until a second of the epoch; '0' = for ever. Never shortens: something else may need it longer.
local function extend(key, ends)
  if ends == '0' then
    redis.call('PERSIST', key)
  elseif redis.REDIS_VERSION_NUM then
    redis.call('EXPIREAT', key, ends, 'GT')
  else
    local ends_now = ends_at(key)
    if ends_now ~= 0 and ends_now < tonumber(ends) then
      redis.call('EXPIREAT', key, ends)
    end
  end
end

