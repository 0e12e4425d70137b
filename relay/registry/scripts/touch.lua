-- Keep the sessions that a worker owns, live or parked.
--
-- ARGV  prefix of sessions, of events, ms they last; then id and epoch of each
-- Gives 'owned', 'lost', 'ended' or 'unknown' for each.
local standings = {}
for i = 4, #ARGV, 2 do
  local key = ARGV[1] .. ARGV[i]
  local state = redis.call('HMGET', key, 'epoch', 'ended')
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
  end
  standings[#standings + 1] = standing
end
return standings
