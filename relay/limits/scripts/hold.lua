-- Renew the leases of slots.   KEYS  slots   ARGV  lease in ms, then session ids
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[i])
end
return now
