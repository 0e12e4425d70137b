-- End a session: its token is good for nothing any more, and its events stay for a while,
-- unless nothing of it is stored.
--
-- KEYS  session, its events, unstored events of all sessions, their bytes
-- ARGV  epoch, ms they are kept, id, heading or '', progress
-- Gives 'owned', 'lost', 'ended' or 'unknown': as what the caller ended it.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'ended', 'fleeting')
local fenced = 1
local standing = 'owned'
if not state[1] then
  standing, fenced = 'unknown', 0
elseif state[1] ~= ARGV[1] then
  return 'lost'
elseif state[2] then
  return 'ended'
else
  redis.call('HSET', KEYS[1], 'ended', 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
redis.call('PEXPIRE', KEYS[2], state[3] and 0 or ARGV[2])
if ARGV[4] == '' then
  return standing
end
local size = #ARGV[4] + #ARGV[5]
redis.call('XADD', KEYS[3], '*', 'session', ARGV[3], 'epoch', ARGV[1], 'fenced', fenced, 'heading',
  ARGV[4], 'progress', ARGV[5], 'start', '', 'end', '', 'event', '', 'size', size)
redis.call('INCRBY', KEYS[4], size)
return standing
