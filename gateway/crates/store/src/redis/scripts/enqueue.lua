-- Writes a job unless it is there already. `state` is '0' for waiting, '1' for leased.
local function enqueue(key, waiting, running, channel, now, id, session, kind, payload, state, due, fence, worker)
    if redis.call('EXISTS', key) == 1 then return end
    redis.call('HSET', key, 's', session, 'k', kind, 'p', payload, 'q', now, 't', state, 'a', state, 'f', fence,
        'w', worker, 'r', '')
    if state == '1' then
        redis.call('ZADD', running, due, id)
    else
        redis.call('ZADD', waiting, due, id)
        redis.call('SPUBLISH', channel, 'j' .. due)
    end
end
