-- Publish to resource servers that what is kept under this key has ended, on the channel of the same prefix.
local function publish_end(key)
  redis.call('PUBLISH', string.match(key, '^[^{]*') .. 'ended', key)
end
