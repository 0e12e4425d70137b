-- List the records of live sessions.   KEYS  live   ARGV  prefix of records, how many at most
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local records = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)) do
  records[#records + 1] = redis.call('GET', ARGV[1] .. id) or nil
end
return records
