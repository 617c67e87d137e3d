-- Let a grant live at least until a second of the epoch; '0' means without an end. This never shortens its life, since an older
-- access token may need it longer, with one exception: only a refresh token can be without an end, and it is being replaced, so
-- a grant that had no end gets one.
local function extend(grant, ends)
  if ends == '0' then
    redis.call('PERSIST', grant)
  elseif not redis.REDIS_VERSION_NUM or redis.call('EXPIREAT', grant, ends, 'GT') == 0 then
    -- INCLUDE ends_at
    if ends_at(grant) < tonumber(ends) then -- 0: it had no end
      redis.call('EXPIREAT', grant, ends)
    end
  end
end

