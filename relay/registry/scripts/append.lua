-- Write committed events and how far each session has come, each only if its writer owns it still.
-- What is to be stored also goes to the one stream from which it is.
--
-- KEYS  unstored events of all sessions, their bytes, how many of them were lost
-- ARGV  prefix of sessions, of events, ms they last, bytes of events kept for each, bytes of
--       unstored events kept; then for each session: id, epoch, progress, pieces or '', heading or
--       '', count of events; then for each event: segment, 1 if extra, seq, text, start or '', end
--       or ''
-- Gives 'owned', 'lost', 'ended' or 'unknown' for each session.
local sessions, streams, lasts, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local function trim(stream, bytes)
  while bytes > most do
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 2)
    if #oldest < 2 then break end
    redis.call('XDEL', stream, oldest[1][1])
    bytes = bytes - #oldest[1][2][8]
  end
  return bytes
end

-- Of a session that Redis has forgotten nobody can tell who owns it; `fenced` says so.
local function store(i, j, fenced)
  local size = #ARGV[i + 2] + #ARGV[i + 4] + #ARGV[j + 3]
  redis.call('XADD', KEYS[1], '*', 'session', ARGV[i], 'epoch', ARGV[i + 1], 'fenced', fenced,
    'heading', ARGV[i + 4], 'progress', ARGV[i + 2], 'start', ARGV[j + 4], 'end', ARGV[j + 5],
    'event', ARGV[j + 3], 'size', size)
  redis.call('INCRBY', KEYS[2], size)
end

local standings = {}
local has_stored = false
local i = 6
while i <= #ARGV do
  local key, stream, epoch = sessions .. ARGV[i], streams .. ARGV[i], ARGV[i + 1]
  local progress, pieces, is_stored = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4] ~= ''
  local last = i + 5 + 6 * ARGV[i + 5]
  local state = redis.call('HMGET', key, 'epoch', 'ended', 'seq', 'bytes')
  local standing = 'owned'
  if not state[1] then
    standing = 'unknown'
    for j = i + 6, last, 6 do
      if is_stored then store(i, j, 0) end
    end
  elseif state[1] ~= epoch then
    standing = 'lost'
  elseif state[2] then
    standing = 'ended'
    -- The end didn't wait for what was to be written before it, so this is stored all the same.
    -- Nobody resumes the session, so nothing else of it is kept.
    local seq = tonumber(state[3])
    for j = i + 6, last, 6 do
      if is_stored and tonumber(ARGV[j + 2]) > seq then
        seq = tonumber(ARGV[j + 2])
        store(i, j, 1)
      end
    end
    redis.call('HSET', key, 'seq', seq)
  else
    local seq, bytes = tonumber(state[3]), tonumber(state[4])
    for j = i + 6, last, 6 do
      -- What was written already comes again where the answer to the first time was lost.
      if tonumber(ARGV[j + 2]) > seq then
        seq = tonumber(ARGV[j + 2])
        redis.call('XADD', stream, '*', 'segment', ARGV[j], 'extra', ARGV[j + 1], 'seq', seq,
          'event', ARGV[j + 3])
        bytes = bytes + #ARGV[j + 3]
        if is_stored then store(i, j, 1) end
      end
    end
    redis.call('HSET', key, 'progress', progress, 'seq', seq, 'bytes', trim(stream, bytes))
    if pieces ~= '' then
      redis.call('HSET', key, 'pieces', pieces)
    end
    redis.call('PEXPIRE', key, lasts)
    redis.call('PEXPIRE', stream, lasts)
  end
  has_stored = has_stored or is_stored
  standings[#standings + 1] = standing
  i = last + 1
end

while has_stored and tonumber(redis.call('GET', KEYS[2]) or 0) > tonumber(ARGV[5]) do
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not oldest then
    redis.call('DEL', KEYS[2])
    break
  end
  redis.call('XDEL', KEYS[1], oldest[1])
  redis.call('DECRBY', KEYS[2], oldest[2][18])
  redis.call('INCR', KEYS[3])
end
return standings
