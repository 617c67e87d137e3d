-- Whether everything that an exchanged token derives from is alive: the user's grant, if there is one, and each access token in
-- between (RFC 8693).
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

