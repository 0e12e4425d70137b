-- End a session: its token is good for nothing any more, and its events stay for a while.
--
-- KEYS  session, its events
-- ARGV  epoch, ms they are kept
-- Gives 'owned', 'lost', 'ended' or 'unknown': as what the caller ended it.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'ended')
if not state[1] then
  return 'unknown'
end
if state[1] ~= ARGV[1] then
  return 'lost'
end
if state[2] then
  return 'ended'
end
redis.call('HSET', KEYS[1], 'ended', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 'owned'
