-- Return the members of an index that have to end so that at most ``most`` stay alive: those that end first, which are those
-- that began first or were not used for longest. They stay in the index under a negative score, the second since which they
-- are being ended; ten seconds later they are returned once more.
local function too_many(kin, newest, ends, most)
  local now = redis.call('TIME')
  -- Those that begin within a second, by clocks that differ a little, are put in the order in which they come.
  local last = redis.call('ZRANGE', kin, '-1', '-1', 'WITHSCORES')
  if last[1] ~= newest and last[2] - ends < 2 then
    redis.call('ZADD', kin, last[2] + 0.000001, newest)
  end
  redis.call('ZREMRANGEBYSCORE', kin, '0', '(' .. now[1])
  if redis.call('ZCARD', kin) <= most then
    return {}
  end
  local excess = redis.call('ZRANGEBYSCORE', kin, 10 - now[1], '(0', 'LIMIT', '0', '100')
  local over = math.min(redis.call('ZCOUNT', kin, '0', '+inf') - most, 1000)
  if over > 0 then
    for _, first in ipairs(redis.call('ZRANGEBYSCORE', kin, '0', '+inf', 'LIMIT', '0', over + 1)) do
      if over > 0 and first ~= newest then
        excess[#excess + 1], over = first, over - 1
      end
    end
  end
  for _, member in ipairs(excess) do
    redis.call('ZADD', kin, -now[1], member)
  end
  return excess
end
