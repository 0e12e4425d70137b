-- Say that sessions are live, and what is known of them.
--
-- KEYS  live (an expiry each)   ARGV  prefix of records, ms that a record lasts; then id, record
local lasts = tonumber(ARGV[2])
for i = 3, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], now + lasts, ARGV[i])
  redis.call('SET', ARGV[1] .. ARGV[i], ARGV[i + 1], 'PX', lasts)
end
return now
