-- What an operator does with a dead job.
-- KEYS: 1 the step's memory, 2 waiting, 3 running, 4 counts, 5 dead
-- ARGV: 1 now, 2 what, 3 job, 4 what the jobs' keys begin with, 5 and the lanes', 6 channel
local function step()
    if redis.call('ZREM', KEYS[5], ARGV[3]) == 0 then return {'none'} end
    local at = queues(KEYS[2], KEYS[3], KEYS[4], ARGV[4], ARGV[5], ARGV[6], ARGV[1])
    local id, key = ARGV[3], at.job .. ARGV[3]
    if ARGV[2] == 'forget' then
        redis.call('DEL', key)
        return {'ok'}
    end
    local job = redis.call('HMGET', key, 'k', 'l')
    if not job[1] then return {'none'} end
    local behind = job[2] and join(at, job[2], id)
    redis.call('HSET', key, 't', behind and '3' or '0', 'a', '0')
    redis.call('HDEL', key, 'o')
    count(at, 'k:' .. job[1], 1)
    if behind then
        redis.call('HSET', key, 'd', at.now)
    else
        ready(at, id, at.now)
    end
    return {'ok'}
end
