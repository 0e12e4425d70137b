-- Take a session over: whoever owned it before can write no more.
--
-- KEYS  session, its events
-- ARGV  digest of the token, worker, ms it lasts
-- Gives {'unknown'}, {'wrong_token'}, {'ended'}, or {'ok', epoch, account, snapshot, progress, pieces,
-- last seq}.
local key = KEYS[1]
local state = redis.call('HMGET', key, 'token', 'ended', 'account', 'snapshot', 'progress', 'pieces',
  'seq')
if not state[1] then
  return {'unknown'}
end
-- What is compared are digests: how long it takes tells nothing of the token.
if state[1] ~= ARGV[1] then
  return {'wrong_token'}
end
if state[2] then
  return {'ended'}
end
local epoch = redis.call('HINCRBY', key, 'epoch', 1)
redis.call('HSET', key, 'owner', ARGV[2])
redis.call('PEXPIRE', key, ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {'ok', epoch, state[3], state[4], state[5], state[6], state[7]}
