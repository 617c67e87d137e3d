-- Let a grant live at least until a second of the epoch; '0' = for ever. Never shortens: an older access token may need it
-- longer. Only a refresh token can be for ever, and it is being replaced: a grant that was for ever is so no more.
local function extend(grant, ends)
  if ends == '0' then
    redis.call('PERSIST', grant)
  elseif not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', grant, ends, 'GT') == 0 then
    if ends_at(grant) < tonumber(ends) then -- 0: it had no end
      redis.call('EXPIREAT', grant, ends)
    end
  end
end

