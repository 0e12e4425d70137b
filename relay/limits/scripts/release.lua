-- End a session's lease, and give back what it reserved and did not take.
--
-- KEYS  sessions, spent by the account, spent by everybody (both with the day of the reservation)
-- ARGV  session id, unspent ms
redis.call('ZREM', KEYS[1], ARGV[1])
local unspent = tonumber(ARGV[2])
for i = 2, 3 do
  local spent = redis.call('GET', KEYS[i])
  if unspent > 0 and spent then
    redis.call('DECRBY', KEYS[i], math.min(unspent, tonumber(spent)))
  end
end
return now
