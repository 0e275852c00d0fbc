-- Writes the job whose nine arguments begin at ARGV[from], unless it is there already: id, session, kind, payload,
-- state ('0' waiting, '1' leased), due, fence, worker, lane or ''. False if it was to start leased and its lane is busy.
local function enqueue(at, from)
    local id, state, due, lane = ARGV[from], ARGV[from + 4], ARGV[from + 5], ARGV[from + 8]
    local key = at.job .. id
    if redis.call('EXISTS', key) == 1 then return true end
    local behind = lane ~= '' and join(at, lane, id)
    local leased = state == '1'
    if behind then
        if leased then due = at.now end
        state = '3'
    end
    redis.call('HSET', key, 's', ARGV[from + 1], 'k', ARGV[from + 2], 'p', ARGV[from + 3], 'q', at.now, 't', state,
        'a', state == '1' and '1' or '0', 'f', ARGV[from + 6], 'w', behind and '' or ARGV[from + 7], 'r', '')
    if lane ~= '' then redis.call('HSET', key, 'l', lane) end
    count(at, 'k:' .. ARGV[from + 2], 1)
    if behind then
        redis.call('HSET', key, 'd', due)
    elseif leased then
        redis.call('ZADD', at.running, due, id)
    else
        ready(at, id, due)
    end
    return not (behind and leased)
end
