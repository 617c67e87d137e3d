-- Count that a sealed reply is given once more. After ``most`` times it is deleted, and a further request is taken for theft.
local function count_repeat(reply, most)
  local repeats = reply .. ':repeats'
  local left = redis.call('PTTL', reply)
  if left < 0 then
    return
  end
  if redis.call('INCR', repeats) >= tonumber(most) then
    redis.call('DEL', reply, repeats)
  else
    redis.call('PEXPIRE', repeats, left)
  end
end
