-- Add a worker's figures of one span to those of all workers.
--
-- KEYS  the span's figures   ARGV  ms they last; then name, value of each
for i = 2, #ARGV, 2 do
  redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
