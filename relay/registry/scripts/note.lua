-- Add to the timelines of sessions, and keep those of sessions where nothing happened.
--
-- ARGV  prefix, ms they last, entries kept of what is rare, of what is frequent;
--       then id and how many entries follow; of each, whether it is frequent, and its text
local i = 5
while i <= #ARGV do
  local lists = { [ '0' ] = ARGV[1] .. ARGV[i], [ '1' ] = ARGV[1] .. ARGV[i] .. ':often' }
  local last = i + 1 + 2 * ARGV[i + 1]
  for j = i + 2, last, 2 do
    redis.call('RPUSH', lists[ARGV[j]], ARGV[j + 1])
  end
  redis.call('LTRIM', lists['0'], -ARGV[3], -1)
  redis.call('LTRIM', lists['1'], -ARGV[4], -1)
  redis.call('PEXPIRE', lists['0'], ARGV[2])
  redis.call('PEXPIRE', lists['1'], ARGV[2])
  i = last + 1
end
return 1
