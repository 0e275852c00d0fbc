-- A hash with a field for each worker: when it is gone, then what it says of itself.
-- KEYS: 1 workers   ARGV: 1 now, 2 worker, 3 its entry, 4 lifetime of the whole
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
local all = redis.call('HGETALL', KEYS[1])
for n = 1, #all, 2 do
    local gone = tonumber(string.match(all[n + 1], '^%d+'))
    if gone <= tonumber(ARGV[1]) then redis.call('HDEL', KEYS[1], all[n]) end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'ok'}
