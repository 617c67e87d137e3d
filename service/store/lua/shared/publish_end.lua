-- Tell resource servers that what is kept under this key has ended, on the channel under the prefix of the key.
local function publish_end(key)
  redis.call('PUBLISH', string.match(key, '^[^{]*') .. 'ended', key)
end
