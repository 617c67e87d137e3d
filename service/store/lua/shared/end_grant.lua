-- End a grant: everything it issued is dead from here on. An empty record stays for a minute, so that a request that
-- was sent again after a dropped connection cannot bring the grant back. Returns whether the grant was alive.
-- Resource servers that cache something of it are notified.
-- The live refresh token (its hash is the first 22 characters of the record) goes too: it may have no TTL.
local function end_grant(grant)
  local live_refresh_token = redis.call('GETRANGE', grant, '0', '21')
  redis.call('DEL', grant)
  redis.call('SET', grant, '', 'EX', '60')
  if live_refresh_token == '' then
    return false
  end
  redis.call('DEL', grant .. ':refresh:' .. live_refresh_token)
  publish_end(grant)
  return true
end

