-- Take one of the provider's slots, or a place in the queue for one.
--
-- The queue is fair: accounts take turns, however many sessions of one account wait. A session's
-- turn is one after its account's last one, and never before the turn that was served last.
--
-- KEYS  slots (a lease each), queue (turn of each), waiting (who still asks), turns (of accounts),
--       served (the last turn), held (mean ms for which slots are held), since when the count of
--       slots is right, but for the ms that it takes to settle
-- ARGV  session id, account, slots, lease in ms, ms after which one who no longer asks is forgotten,
--       1 if it goes before all others, ms to settle
-- Gives {place in the queue from 1, or 0 if it has a slot; mean ms for which slots are held, or -1}.
local slots, queue, waiting, turns, served, held, counts_since = unpack(KEYS)
local id, account, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lease, patience, goes_first = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'

redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now)) do
  redis.call('ZREM', queue, gone)
  redis.call('ZREM', waiting, gone)
end
if redis.call('ZCARD', queue) == 0 then
  redis.call('DEL', turns, served)
end

local function take()
  redis.call('ZADD', slots, now + lease, id)
  return {0, -1}
end

if redis.call('ZSCORE', slots, id) then
  return take()
end

-- Emptied, Redis doesn't know which slots are held: those who hold them say so first.
redis.call('SET', counts_since, now, 'NX')
local is_settled = now >= tonumber(redis.call('GET', counts_since)) + tonumber(ARGV[7])

local turn = redis.call('ZSCORE', queue, id)
if not turn then
  local last = tonumber(redis.call('GET', served) or 0)
  if goes_first then
    turn = -1
  else
    turn = math.max(last, tonumber(redis.call('HGET', turns, account) or 0)) + 1
    redis.call('HSET', turns, account, turn)
  end
  -- Within a turn, whoever came first; a turn's fraction never reaches the next one.
  redis.call('ZADD', queue, turn + now % 86400000 / 86400001, id)
end
redis.call('ZADD', waiting, now + patience, id)

local place = redis.call('ZRANK', queue, id)
if is_settled and place < most - redis.call('ZCARD', slots) then
  turn = math.floor(tonumber(redis.call('ZSCORE', queue, id)))
  redis.call('ZREM', queue, id)
  redis.call('ZREM', waiting, id)
  if turn > tonumber(redis.call('GET', served) or 0) then
    redis.call('SET', served, turn)
  end
  return take()
end
return {place + 1, tonumber(redis.call('GET', held) or -1)}
