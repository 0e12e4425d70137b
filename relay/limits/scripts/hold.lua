-- Renew the leases of slots.
--
-- KEYS  slots, since when their count is right, but for the time to settle
-- ARGV  lease in ms, then session ids
redis.call('SET', KEYS[2], now, 'NX')
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[i])
end
return now
