-- Give a slot, or a place in the queue, back.
--
-- KEYS  slots, queue, waiting, held   ARGV  session id, ms for which the slot was held
local had_slot = redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if had_slot == 1 then
  local mean = tonumber(redis.call('GET', KEYS[4]) or ARGV[2])
  -- The last ten or so count.
  redis.call('SET', KEYS[4], math.floor(mean * 0.9 + tonumber(ARGV[2]) * 0.1), 'EX', 86400)
end
return now
