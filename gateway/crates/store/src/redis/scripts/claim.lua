-- The keys of the jobs are found here, by the ids in the queues; they are in the same slot.
-- KEYS: 1 the step's memory, 2 waiting, 3 running
-- ARGV: 1 now, 2 end of the lease, 3 at most so many, 4 fence, 5 worker, 6 what the jobs' keys begin with, 7 bytes
local ids = {}
local remembered = redis.call('GET', KEYS[1])
if remembered then
    for _, id in ipairs(cmsgpack.unpack(remembered)) do
        if redis.call('HGET', ARGV[6] .. id, 'f') == ARGV[4] then ids[#ids + 1] = id end
    end
else
    local queues, at = {}, {1, 1}
    for q = 1, 2 do
        queues[q] = redis.call('ZRANGEBYSCORE', KEYS[1 + q], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
    end
    local bytes = 0
    while #ids < tonumber(ARGV[3]) and bytes < tonumber(ARGV[7]) do
        local one, other = queues[1][at[1]], queues[2][at[2]]
        if not one and not other then break end
        local q = 1
        if not one then
            q = 2
        elseif other then
            local due, due_other = tonumber(queues[1][at[1] + 1]), tonumber(queues[2][at[2] + 1])
            if due_other < due or (due_other == due and other < one) then q = 2 end
        end
        local id = queues[q][at[q]]
        at[q] = at[q] + 2
        local key = ARGV[6] .. id
        redis.call('ZREM', KEYS[1 + q], id)
        if redis.call('EXISTS', key) == 1 then
            redis.call('ZADD', KEYS[3], ARGV[2], id)
            redis.call('HINCRBY', key, 'a', 1)
            redis.call('HSET', key, 't', '1', 'f', ARGV[4], 'w', ARGV[5])
            -- Taken over from somebody whose lease ran out.
            if q == 2 then redis.call('HINCRBY', key, 'o', 1) end
            bytes = bytes + redis.call('HSTRLEN', key, 'p')
            ids[#ids + 1] = id
        end
    end
    if #ids > 0 then redis.call('SET', KEYS[1], cmsgpack.pack(ids), 'PX', 60000) end
end
local next_due = ''
for q = 1, 2 do
    local first = redis.call('ZRANGE', KEYS[1 + q], 0, 0, 'WITHSCORES')
    if first[2] and (next_due == '' or tonumber(first[2]) < tonumber(next_due)) then next_due = first[2] end
end
local result = {'ok', next_due}
for _, id in ipairs(ids) do
    local job = redis.call('HMGET', ARGV[6] .. id, 's', 'k', 'p', 'a', 'q', 'o')
    result[#result + 1] = id
    for n = 1, 6 do result[#result + 1] = job[n] end
end
return result
