-- What a holder does with a job. A lease that ran out is still good while nobody else took the job.
-- KEYS: 1 the step's memory, 2 waiting, 3 running, 4 counts, 5 dead
-- The answer tells when the job, or the next of its lane, may be claimed.
-- ARGV: 1 now, 2 what, 3 fence, 4 job, 5 due, 6 reason, 7 what the jobs' keys begin with, 8 and the lanes', 9 channel
local function step()
    local at = queues(KEYS[2], KEYS[3], KEYS[4], ARGV[7], ARGV[8], ARGV[9], ARGV[1])
    local id, key = ARGV[4], at.job .. ARGV[4]
    local job = redis.call('HMGET', key, 't', 'f', 'k', 'l')
    if job[1] ~= '1' or job[2] ~= ARGV[3] then return {'lost'} end
    if ARGV[2] == 'extend' then
        redis.call('ZADD', at.running, ARGV[5], id)
        return {'ok', ''}
    end
    redis.call('ZREM', at.running, id)
    if ARGV[2] == 'retry' then
        -- It stays first in its lane.
        redis.call('HSET', key, 't', '0', 'r', ARGV[6], 'w', '')
        ready(at, id, ARGV[5])
        return {'ok', ARGV[5]}
    end
    if ARGV[2] == 'done' then
        redis.call('DEL', key)
    else
        redis.call('HSET', key, 't', '2', 'r', ARGV[6], 'w', '')
        redis.call('ZADD', KEYS[5], at.now, id)
    end
    count(at, 'k:' .. job[3], -1)
    return {'ok', job[4] and pass_on(at, job[4], id) or ''}
end
