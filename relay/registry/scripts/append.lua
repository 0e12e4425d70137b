-- Write committed events and how far each session has come, each only if its writer owns it still.
--
-- ARGV  prefix of sessions, of events, ms they last, bytes of events kept for each; then for each
--       session: id, epoch, progress, pieces or '', count of events; then for each event: segment,
--       1 if extra, seq, text
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

local standings = {}
local i = 5
while i <= #ARGV do
  local key, stream, epoch = sessions .. ARGV[i], streams .. ARGV[i], ARGV[i + 1]
  local progress, pieces, last = ARGV[i + 2], ARGV[i + 3], i + 4 + 4 * ARGV[i + 4]
  local state = redis.call('HMGET', key, 'epoch', 'ended', 'seq', 'bytes')
  local standing = 'owned'
  if not state[1] then
    standing = 'unknown'
  elseif state[1] ~= epoch then
    standing = 'lost'
  elseif state[2] then
    standing = 'ended'
  else
    local seq, bytes = tonumber(state[3]), tonumber(state[4])
    for j = i + 5, last, 4 do
      -- What was written already comes again where the answer to the first time was lost.
      if tonumber(ARGV[j + 2]) > seq then
        seq = tonumber(ARGV[j + 2])
        redis.call('XADD', stream, '*', 'segment', ARGV[j], 'extra', ARGV[j + 1], 'seq', seq,
          'event', ARGV[j + 3])
        bytes = bytes + #ARGV[j + 3]
      end
    end
    redis.call('HSET', key, 'progress', progress, 'seq', seq, 'bytes', trim(stream, bytes))
    if pieces ~= '' then
      redis.call('HSET', key, 'pieces', pieces)
    end
    redis.call('PEXPIRE', key, lasts)
    redis.call('PEXPIRE', stream, lasts)
  end
  standings[#standings + 1] = standing
  i = last + 1
end
return standings
