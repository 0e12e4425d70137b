-- Drop the events of a session that has ended.   KEYS  session, its events
-- Gives 1, or 0 where it is live.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'ended')
if state[1] and not state[2] then
  return 0
end
redis.call('DEL', KEYS[2])
return 1
