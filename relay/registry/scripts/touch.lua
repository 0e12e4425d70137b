-- Keep the sessions that a worker owns, live or parked. Where nothing is stored, an event goes once
-- no client can lack it any more: the longest that one is awaited for has passed.
--
-- ARGV  prefix of sessions, of events, ms they last; then id and epoch of each
-- Gives 'owned', 'lost', 'ended' or 'unknown' for each.
local function drop_old(key, stream)
  local old = redis.call('XRANGE', stream, '-', now - ARGV[3])
  for _, entry in ipairs(old) do
    redis.call('XDEL', stream, entry[1])
    redis.call('HINCRBY', key, 'bytes', -#entry[2][8])
  end
end

local standings = {}
for i = 4, #ARGV, 2 do
  local key = ARGV[1] .. ARGV[i]
  local state = redis.call('HMGET', key, 'epoch', 'ended', 'fleeting')
  local standing = 'owned'
  if not state[1] then
    standing = 'unknown'
  elseif state[1] ~= ARGV[i + 1] then
    standing = 'lost'
  elseif state[2] then
    standing = 'ended'
  else
    redis.call('PEXPIRE', key, ARGV[3])
    redis.call('PEXPIRE', ARGV[2] .. ARGV[i], ARGV[3])
    if state[3] then
      drop_old(key, ARGV[2] .. ARGV[i])
    end
  end
  standings[#standings + 1] = standing
end
return standings
