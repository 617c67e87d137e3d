local MOST_LOOKED_AT = 128 -- of the user's grants, so that one who has thousands keeps nobody waiting

-- Whether no other grant of the user has a mark of this kin. Those that have one are put into its index. Where there are more than
-- are looked at, which are those that end last, the answer is no: the grant is then counted as if there were others.
local function is_alone(user_grants, grant_id, kin, other_kin)
  redis.call('ZREM', other_kin, grant_id)
  local count = redis.call('ZCARD', user_grants)
  if count == 1 then
    return true
  end
  local is_first = count <= MOST_LOOKED_AT
  local indexed = redis.call('ZRANGE', user_grants, -MOST_LOOKED_AT, '-1', 'WITHSCORES')
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

