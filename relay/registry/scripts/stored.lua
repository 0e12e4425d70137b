-- Take away events that are stored.
--
-- KEYS  unstored events, their bytes, how many of them were lost
-- ARGV  group; then id and size of each
-- Gives how many were lost.
for i = 2, #ARGV, 2 do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then
    redis.call('DECRBY', KEYS[2], ARGV[i + 1])
  end
end
return redis.call('GET', KEYS[3]) or 0
