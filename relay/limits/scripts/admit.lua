-- Admit one session, or say which limit forbids it: one decision for all limits of its account.
--
-- KEYS  sessions (a lease each), connects, spent by the account, spent by everybody (day is added)
-- ARGV  session id, lease in ms, sessions, connects per minute, ms per day or -1, the same for
--       everybody, wanted ms, 1 if the session resumes
-- Gives {'ok', granted ms, ms left or -1, the same for everybody, day}, {'unknown', day} if what
-- was spent today has to be looked up first, or {name of the limit, ms to wait}.
local sessions, connects = KEYS[1], KEYS[2]
local id, lease, most, per_minute = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local of_account, of_all, wanted = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local resumes = ARGV[8] == '1'

local day_ms = 86400000
local day = math.floor(now / day_ms)
local spent_account, spent_all = KEYS[3] .. day, KEYS[4] .. day

local function left(limit, key)
  if limit < 0 then return nil end
  local spent = redis.call('GET', key)
  return spent and math.max(0, limit - tonumber(spent)) or 'unknown'
end

local left_account, left_all = left(of_account, spent_account), left(of_all, spent_all)
if left_account == 'unknown' or left_all == 'unknown' then
  return {'unknown', day}
end

-- The generic cell rate algorithm: one moment per account, at which its connects are paid off.
if not resumes then
  if per_minute <= 0 then
    return {'rate_limited', 60000}
  end
  local interval = 60000 / per_minute
  local paid = math.max(now, tonumber(redis.call('GET', connects) or 0))
  if paid + interval - now > 60000 then
    return {'rate_limited', math.ceil(paid + interval - now - 60000)}
  end
  redis.call('SET', connects, paid + interval, 'PX', math.ceil(paid + interval - now))
end

redis.call('ZREMRANGEBYSCORE', sessions, '-inf', now)
if not redis.call('ZSCORE', sessions, id) and redis.call('ZCARD', sessions) >= most then
  local soonest = redis.call('ZRANGE', sessions, 0, 0, 'WITHSCORES')[2] or now
  return {'too_many_sessions', math.max(1000, math.ceil(tonumber(soonest) - now))}
end

local until_midnight = (day + 1) * day_ms - now
local granted = math.min(wanted, left_account or wanted, left_all or wanted)
if granted <= 0 then
  return {left_account == 0 and 'quota_exceeded' or 'budget_exceeded', until_midnight}
end
local kept = until_midnight + day_ms
if left_account then
  redis.call('INCRBY', spent_account, granted)
  redis.call('PEXPIRE', spent_account, kept)
end
if left_all then
  redis.call('INCRBY', spent_all, granted)
  redis.call('PEXPIRE', spent_all, kept)
end
redis.call('ZADD', sessions, now + lease, id)
redis.call('PEXPIRE', sessions, lease)
return {
  'ok', granted,
  left_account and left_account - granted or -1,
  left_all and left_all - granted or -1,
  day,
}
