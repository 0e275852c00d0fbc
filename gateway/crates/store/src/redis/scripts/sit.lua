-- A sorted set of holders by the end of their leases. What ran out counts no more, whether it is removed yet or not.
-- KEYS: 1 seats   ARGV: 1 now, 2 holder, 3 cap, 4 end of the lease, 5 lifetime
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 100)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[2])
local sits = ends and tonumber(ends) > tonumber(ARGV[1])
local used = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')
-- Nothing is removed for a refusal: Redis would let a script write into a full memory once it has deleted something.
if not sits and used >= tonumber(ARGV[3]) then return {'full', used} end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
for _, holder in ipairs(over) do
    if holder ~= ARGV[2] then redis.call('ZREM', KEYS[1], holder) end
end
return {'ok', sits and used or used + 1}
