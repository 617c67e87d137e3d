-- Most users have one grant of a client, and an index of its kin would cost more than its access token. Therefore the score of
-- such a grant in the user's index has a fraction: a mark of the kin's key, by which a second grant of this kind finds the first.
-- A mark is never 0, and has 20 bits. The grant's id is in it, which no other client knows: one that chooses its client_id could
-- else have the same mark as another client, whose grants would be ended as surplus ones of its own.
local MARKED_BEFORE = 4294967296 -- what ends later (in 2106) leaves no room in a score for the mark

local function mark_of(kin, grant_id)
  return (tonumber(string.sub(redis.sha1hex(kin .. grant_id), 1, 5), 16) + 0.5) / 1048576
end

