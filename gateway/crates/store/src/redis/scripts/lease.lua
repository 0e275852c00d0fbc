-- What a holder does with a job. A lease that ran out is still good while nobody else took the job.
-- KEYS: 1 the step's memory, 2 waiting, 3 running, 4 dead, 5 job
-- ARGV: 1 now, 2 what, 3 fence, 4 job, 5 due, 6 reason, 7 channel
local function step()
    local job = redis.call('HMGET', KEYS[5], 't', 'f')
    if job[1] ~= '1' or job[2] ~= ARGV[3] then return {'lost'} end
    if ARGV[2] == 'extend' then
        redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
        return {'ok'}
    end
    redis.call('ZREM', KEYS[3], ARGV[4])
    if ARGV[2] == 'done' then
        redis.call('DEL', KEYS[5])
    elseif ARGV[2] == 'retry' then
        redis.call('HSET', KEYS[5], 't', '0', 'r', ARGV[6], 'w', '')
        redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
        redis.call('SPUBLISH', ARGV[7], 'j' .. ARGV[5])
    else
        redis.call('HSET', KEYS[5], 't', '2', 'r', ARGV[6], 'w', '')
        redis.call('ZADD', KEYS[4], ARGV[1], ARGV[4])
    end
    return {'ok'}
end
