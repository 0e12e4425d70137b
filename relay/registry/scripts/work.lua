-- Say that a worker lives, and learn what it was asked for last: 'drain', 'serve' or ''.
--
-- KEYS  workers (an expiry each), record, what is asked of it   ARGV  name, record, ms it lasts
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return redis.call('GET', KEYS[3]) or ''
