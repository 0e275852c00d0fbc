-- What every script with jobs shares. The jobs of a lane that are not dead are a list in the order they were enqueued.
-- Only its first one is in a queue (waiting, running); the others are behind it, in no queue, in the state '3'.
-- `at` has a partition's keys: waiting, running, counts, what the keys of jobs and lanes begin with, the channel; and
-- now. The counts are a hash: "k:" and a kind for the jobs that are not dead, "behind" for those behind another.
local function queues(waiting, running, counts, job, lane, channel, now)
    return {waiting = waiting, running = running, counts = counts, job = job, lane = lane, channel = channel, now = now}
end

local function count(at, field, by)
    if redis.call('HINCRBY', at.counts, field, by) <= 0 then redis.call('HDEL', at.counts, field) end
end

-- Puts a job where it may be claimed, and tells who waits.
local function ready(at, id, due)
    redis.call('ZADD', at.waiting, due, id)
    redis.call('SPUBLISH', at.channel, 'j' .. due)
end

-- The first one leaves its lane, and the next one has its turn; its own time, if it has one, stays. Tells when the next
-- one is due, or ''.
local function pass_on(at, lane, id)
    local key = at.lane .. lane
    if redis.call('LINDEX', key, 0) ~= id then return '' end
    redis.call('LPOP', key)
    local next_id = redis.call('LINDEX', key, 0)
    while next_id do
        count(at, 'behind', -1)
        local due = redis.call('HGET', at.job .. next_id, 'd')
        if due then
            if tonumber(due) < tonumber(at.now) then due = at.now end
            redis.call('HSET', at.job .. next_id, 't', '0')
            redis.call('HDEL', at.job .. next_id, 'd')
            ready(at, next_id, due)
            return due
        end
        -- A job whose keys were lost must not hold up the others.
        redis.call('LPOP', key)
        next_id = redis.call('LINDEX', key, 0)
    end
    return ''
end

-- Joins the end of a lane; true if somebody is before.
local function join(at, lane, id)
    local key = at.lane .. lane
    local first = redis.call('LINDEX', key, 0)
    if first and redis.call('EXISTS', at.job .. first) == 0 then
        pass_on(at, lane, first)
        first = redis.call('LINDEX', key, 0)
    end
    redis.call('RPUSH', key, id)
    if first then count(at, 'behind', 1) end
    return first and true or false
end
