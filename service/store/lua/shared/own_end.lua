-- A grant that is refreshed is not indexed anew each time where the index is on the same server (tokens/refresh_tokens.py,
-- _INDEXED_AHEAD): its place in the user's index is later than its end then, and its place among its kin may be earlier, until it
-- is looked at. Such a call has the keys of the grant in front.
local sees_grants = #KEYS > 4

-- The second at which a grant ends by its own record: 0 where that is gone, nil where it has no end or cannot be seen from here.
local function own_end(user_grants, member)
  if not sees_grants then
    return nil
  end
  local left = redis.call('PTTL', string.match(user_grants, '^[^{]*{') .. member .. '}')
  if left < 0 then
    return left == -2 and 0 or nil
  end
  local now = redis.call('TIME')
  return math.floor((now[1] * 1000 + now[2] / 1000 + left) / 1000 + 0.5)
end
