-- What an operator does with a dead job.
-- KEYS: 1 the step's memory, 2 waiting, 3 dead, 4 job   ARGV: 1 now, 2 what, 3 job, 4 channel
local function step()
    if redis.call('ZREM', KEYS[3], ARGV[3]) == 0 then return {'none'} end
    if ARGV[2] == 'forget' then
        redis.call('DEL', KEYS[4])
    else
        redis.call('HSET', KEYS[4], 't', '0', 'a', '0')
        redis.call('ZADD', KEYS[2], ARGV[1], ARGV[3])
        redis.call('SPUBLISH', ARGV[4], 'j' .. ARGV[1])
    end
    return {'ok'}
end
