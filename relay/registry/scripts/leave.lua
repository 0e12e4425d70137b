-- Forget those who store no more: this one, or all that were idle for long; never one who has
-- taken events and not stored them, since these would then be nobody's.
--
-- KEYS  unstored events   ARGV  group, name or '', ms
for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  -- Name, pending, idle, and from Redis 7.2 on also inactive.
  if each[4] == 0 and (each[2] == ARGV[2] or each[6] > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], each[2])
  end
end
return 1
