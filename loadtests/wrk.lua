-- Send prepared requests, each once or in turn, and hold every answer against what it must be.
-- ARGS   file of requests ("\0" after each), how many answers to wait for, status, Lua patterns that the body must match …
-- PRINTS one line of JSON: requests, seconds, p50, p99 (milliseconds), wrong, failed, example (of a wrong answer)
local ffi = require('ffi')
ffi.cdef('int kill(int pid, int signal); int getpid(void);')
local SIGINT = 2
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  requests = {}
  for request in file:read('*a'):gmatch('([^%z]+)%z') do
    requests[#requests + 1] = request
  end
  file:close()
  wanted, status_wanted, patterns = tonumber(args[2]), tonumber(args[3]), {}
  for i = 4, #args do
    patterns[#patterns + 1] = args[i]
  end
  sent, answered, wrong, example = 0, 0, 0, ''
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function response(status, _, body)
  answered = answered + 1
  if not is_right(status, body) then
    wrong = wrong + 1
    example = status .. ' ' .. body:sub(1, 300)
  end
  if answered == wanted then
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), SIGINT) -- ends the sleep of wrk's main thread, which lasts for the whole -d otherwise
  end
end

function is_right(status, body)
  if status ~= status_wanted then
    return false
  end
  for i = 1, #patterns do
    if not body:find(patterns[i]) then
      return false
    end
  end
  return true
end

function done(summary, latency)
  local errors, thread = summary.errors, threads[1]
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "wrong": %d, "failed": %d, "example": "%s"}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    thread:get('wrong'), errors.connect + errors.read + errors.write + errors.timeout,
    (thread:get('example'):gsub('[%c"\\]', ' '))
  ))
end
