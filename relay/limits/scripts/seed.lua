-- Say what was spent on a day, unless that is known already.
--
-- KEYS  spent (with its day)   ARGV  ms, day
local day_ms = 86400000
local kept = math.max(1000, (tonumber(ARGV[2]) + 2) * day_ms - now)
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', kept)
return now
