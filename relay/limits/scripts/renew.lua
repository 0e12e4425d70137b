-- Renew the leases of live sessions and reserve the audio that they will take next.
--
-- ARGV  lease in ms, ms per day for everybody or -1, prefix of the leases, of what accounts spent
--       and of what everybody spent; then for each session: id, account, ms per day or -1, wanted
-- Gives for each session {granted ms, ms left or -1, the same for everybody, day}; -2 stands for
-- 'what was spent today has to be looked up first', and nothing is granted then.
local lease, of_all = tonumber(ARGV[1]), tonumber(ARGV[2])
local sessions_prefix, account_prefix, all_prefix = ARGV[3], ARGV[4], ARGV[5]

local day_ms = 86400000
local day = math.floor(now / day_ms)
local kept = (day + 2) * day_ms - now
local spent_all = all_prefix .. day

local function left(limit, key)
  if limit < 0 then return nil end
  local spent = redis.call('GET', key)
  return spent and math.max(0, limit - tonumber(spent)) or -2
end

local results = {}
for i = 6, #ARGV, 4 do
  local id, account = ARGV[i], ARGV[i + 1]
  local of_account, wanted = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local sessions = sessions_prefix .. account
  -- Not only if it is there: after an outage of Redis this is how the live sessions come back.
  redis.call('ZADD', sessions, now + lease, id)
  redis.call('PEXPIRE', sessions, lease)

  local spent_account = account_prefix .. account .. ':' .. day
  local left_account, left_all = left(of_account, spent_account), left(of_all, spent_all)
  local granted = math.max(0, math.min(wanted, left_account or wanted, left_all or wanted))
  if granted > 0 and left_account then
    redis.call('INCRBY', spent_account, granted)
    redis.call('PEXPIRE', spent_account, kept)
  end
  if granted > 0 and left_all then
    redis.call('INCRBY', spent_all, granted)
    redis.call('PEXPIRE', spent_all, kept)
  end
  local function rest(left)
    if not left then return -1 end
    return left == -2 and -2 or left - granted
  end
  results[#results + 1] = {granted, rest(left_account), rest(left_all), day}
end
return results
