#!lua flags=allow-oom
-- End a grant and everything it issued.
-- KEYS  grant
-- ARGV  -
-- RETURNS revoked | unknown
local grant = unpack(KEYS)
-- INCLUDE end_grant
if end_grant(grant) then
  return 'revoked'
end
return 'unknown'
