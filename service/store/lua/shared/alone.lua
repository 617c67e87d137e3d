-- Most users have one grant of a client, and an index of its kin would cost more than its access token. Therefore the score of
-- such a grant in the user's index has a fraction: a mark of the kin's key, by which a second grant of this kind finds the first.
-- A mark is never 0, and has 20 bits. The grant's id is in it, which no other client knows: one that chooses its client_id could
-- else have the same mark as another client, whose grants would be ended as surplus ones of its own.
local MARKED_BEFORE = 4294967296 -- what ends later (in 2106) leaves no room in a score for the mark
local MOST_LOOKED_AT = 128 -- of the user's grants, so that one who has thousands keeps nobody waiting

local function mark_of(kin, grant_id)
  return (tonumber(string.sub(redis.sha1hex(kin .. grant_id), 1, 5), 16) + 0.5) / 1048576
end

-- Whether no other grant of the user has a mark of this kin. Those that have one are put into its index. Where there are more than
-- are looked at, which are those that end last, the answer is no: the grant is then counted as if there were others.
local function is_alone(user_grants, grant_id, kin, other_kin)
  redis.call('ZREM', other_kin, grant_id)
  local count = redis.call('ZCARD', user_grants)
  if count == 1 then
    return true
  end
  local is_first = count <= MOST_LOOKED_AT
  local indexed = redis.call('ZRANGE', user_grants, -MOST_LOOKED_AT, -1, 'WITHSCORES')
  for place = 1, #indexed, 2 do
    local member, score = indexed[place], indexed[place + 1]
    local mark = score ~= 'inf' and score % 1 or 0
    if mark ~= 0 and member ~= grant_id and mark == mark_of(kin, member) then
      redis.call('ZADD', kin, math.floor(score), member)
      is_first = false
    end
  end
  return is_first
end

