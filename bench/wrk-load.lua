-- Sends the requests of a file, each a line of its path and its body, and looks at every answer.
-- Arguments: the file, what each answer begins with, and what none may hold.

local requests, sent = {}, 0
local begins_with, signs_of_failure = "", {}
failure = ""

function init(args)
  for line in io.lines(args[1]) do
    local path, body = line:match("^(%S+) (.*)$")
    requests[#requests + 1] = wrk.format("POST", path, nil, body)
  end
  begins_with = args[2]
  for index = 3, #args do signs_of_failure[#signs_of_failure + 1] = args[index] end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

local function is_success(status, body)
  if status ~= 200 or body:sub(1, #begins_with) ~= begins_with then return false end
  for _, sign in ipairs(signs_of_failure) do
    if body:find(sign, 1, true) then return false end
  end
  return true
end

function response(status, _, body)
  if failure == "" and not is_success(status, body) then
    failure = string.format("An answer is not a success: %d %s", status, body)
    wrk.thread:stop()
  end
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  for _, thread in ipairs(threads) do
    if thread:get("failure") ~= "" then io.write("failure ", thread:get("failure"), "\n") end
  end
  local errors = summary.errors
  io.write(string.format("answers %d micros %d p50 %.0f p99 %.0f errors %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.connect + errors.read + errors.write + errors.timeout))
end
