-- Whether a token was exchanged for another one (RFC 8693): only the record of such a token begins with a blank.
local function is_exchanged(record)
  return string.byte(record) == 32
end

