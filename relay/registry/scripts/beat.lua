-- Say that sessions are live and what is known of them, and learn which of them are to end.
--
-- KEYS  live (an expiry each), endings (a reason each)
-- ARGV  prefix of records, ms that a record lasts; then id, record
local lasts = tonumber(ARGV[2])
local any_ends = redis.call('EXISTS', KEYS[2]) == 1
local endings = {}
for i = 3, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], now + lasts, ARGV[i])
  redis.call('SET', ARGV[1] .. ARGV[i], ARGV[i + 1], 'PX', lasts)
  local reason = any_ends and redis.call('HGET', KEYS[2], ARGV[i])
  if reason then
    endings[#endings + 1] = ARGV[i]
    endings[#endings + 1] = reason
  end
end
return endings
