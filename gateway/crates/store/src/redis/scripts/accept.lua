-- A job without a key burns its own id for a minute, so that a repeated call does not enqueue it again once it is done.
-- KEYS: 1 burnt key, 2 waiting, 3 running, 4 counts
-- ARGV: 1 now, 2 when the key is forgotten, 3 its lifetime, 4 what the jobs' keys begin with, 5 and the lanes', 6 channel,
--       then the job (9)
local seen = redis.call('GET', KEYS[1])
if seen then
    local forget, by = string.match(seen, '^(%d+) (%S+)$')
    if tonumber(forget) > tonumber(ARGV[1]) then
        return {'ok', by == ARGV[7] and 'new' or 'duplicate'}
    end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[7], 'PX', ARGV[3])
enqueue(queues(KEYS[2], KEYS[3], KEYS[4], ARGV[4], ARGV[5], ARGV[6], ARGV[1]), 7)
return {'ok', 'new'}
