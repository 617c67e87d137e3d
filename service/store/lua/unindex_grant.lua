#!lua flags=allow-oom
-- Remove a grant that has ended from its user's index, and from the index of its kin.
-- KEYS  user_grants, kin, other_kin
-- ARGV  grant_id
-- RETURNS unindexed
local user_grants, kin, other_kin = unpack(KEYS)
local grant_id = unpack(ARGV)
-- INCLUDE fit_index
for _, index in ipairs({user_grants, kin, other_kin}) do
  if redis.call('ZREM', index, grant_id) == 1 then
    fit_index(index)
  end
end
return 'unindexed'
