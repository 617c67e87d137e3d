-- Most users have one grant of a client, and an index of its kin would cost more than its access token. Therefore the score of
-- such a grant in the user's index has a fraction: a mark of the kin's key, by which a second grant of this kind finds the first.
-- A mark has 20 bits, so two clients of a user share one with a chance of one in a million; it is never 0.
local function mark_of(kin)
  return (tonumber(string.sub(redis.sha1hex(kin), 1, 5), 16) + 0.5) / 1048576
end

-- Whether no other grant of the user has the mark. If others have it, they are put into the index of the kin.
local function is_alone(user_grants, grant_id, mark, kin, other_kin)
  redis.call('ZREM', other_kin, grant_id)
  if redis.call('ZCARD', user_grants) == 1 then
    return true
  end
  local is_first = true
  local indexed = redis.call('ZRANGE', user_grants, 0, -1, 'WITHSCORES')
  for place = 1, #indexed, 2 do
    local member, score = indexed[place], indexed[place + 1]
    if member ~= grant_id and score ~= 'inf' and score % 1 == mark then
      redis.call('ZADD', kin, math.floor(score), member)
      is_first = false
    end
  end
  return is_first
end

