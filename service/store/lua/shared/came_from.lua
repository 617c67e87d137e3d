-- Whether all that an exchanged token came from is alive: the grant, where a user gave one, and each access token on the
-- way (RFC 8693). The record of such a token, and no other, begins with a blank: the rest pay for a look at that alone.
local function is_exchanged(record)
  return string.byte(record) == 32
end

local function lives_on(grant, record)
  local token = cjson.decode(record)
  if token.g.u and redis.call('STRLEN', grant) == 0 then
    return false
  end
  for _, source in ipairs(token.o) do
    if source[3] and source[3] ~= '' and redis.call('EXISTS', grant .. ':access:' .. source[3]) == 0 then
      return false
    end
  end
  return true
end

