-- KEYS: 1 the step's memory, then the room's three   ARGV: 1 now, 2 holder
local function step()
    tidy()
    if redis.call('ZREM', order, ARGV[2]) == 0 then return {'none'} end
    redis.call('ZREM', patience, ARGV[2])
    redis.call('HDEL', brought, ARGV[2])
    return {'ok'}
end
