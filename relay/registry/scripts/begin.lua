-- Let a session be resumed from now on, unless Redis knows of it already.
--
-- KEYS  session
-- ARGV  ms it lasts; then its fields and values
-- Gives 1, or 0 if it was there.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
