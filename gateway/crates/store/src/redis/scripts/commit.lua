-- KEYS: 1 the step's memory, 2 head, 3 body, 4 stream, 5 burnt keys, 6 live sessions, 7 waiting, 8 running, 9 counts
-- ARGV: 1 now, 2 expected version or '', 3 body, 4 live, 5 expiry, 6 lifetime, 7 fresh epoch, 8 known epoch,
--       9 known offset, 10 session, 11 channel, 12 kept events, 13 what the jobs' keys begin with, 14 the lanes', 15 the
--       tallies', 16 lifetime of a tally, 17 events, 18 keys, 19 jobs, 20 tallies; then the events (3 each), the keys
--       (2 each), the jobs (9 each), the tallies (3 each)
local function step()
    local now = tonumber(ARGV[1])
    local head = redis.call('HMGET', KEYS[2], 'v', 'x', 'e', 'n')
    local alive = head[2] and tonumber(head[2]) > now
    if ARGV[2] == '' then
        if alive then return {'conflict'} end
    elseif not alive or head[1] ~= ARGV[2] then
        return {'conflict'}
    end

    local events, burns, jobs, tallies = tonumber(ARGV[17]), tonumber(ARGV[18]), tonumber(ARGV[19]), tonumber(ARGV[20])
    local burns_from = 21 + 3 * events
    local jobs_from = burns_from + 2 * burns
    local tallies_from = jobs_from + 9 * jobs
    local mine = {}
    for n = 0, burns - 1 do
        local key = ARGV[burns_from + 2 * n]
        local forget = alive and redis.call('HGET', KEYS[5], key)
        if mine[key] or (forget and tonumber(forget) > now) then return {'burnt', tostring(n)} end
        mine[key] = true
    end

    local version, epoch, last = 1, ARGV[7], 0
    if alive then
        version, last = tonumber(head[1]) + 1, tonumber(head[4])
        epoch = present_epoch(head[3], last, ARGV[8], ARGV[9], ARGV[7])
    elseif redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4], KEYS[5]) > 0 then
        -- Not without need: after a deletion Redis would let the script write into a full memory.
        redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
    end
    for n = 0, burns - 1 do
        redis.call('HSET', KEYS[5], ARGV[burns_from + 2 * n], ARGV[burns_from + 2 * n + 1])
    end
    local before = last
    if events > 0 then
        last = append(KEYS[4], ARGV[11], ARGV[10], epoch, last, events, ARGV[12], 21)
    end
    redis.call('HSET', KEYS[2], 'v', string.format('%d', version), 'l', ARGV[4], 'x', ARGV[5], 'e', epoch,
        'n', string.format('%d', last))
    redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[6])
    redis.call('PEXPIRE', KEYS[2], ARGV[6])
    redis.call('PEXPIRE', KEYS[4], ARGV[6])
    redis.call('PEXPIRE', KEYS[5], ARGV[6])
    if ARGV[4] == '1' then
        redis.call('ZADD', KEYS[6], 0, ARGV[10])
    else
        redis.call('ZREM', KEYS[6], ARGV[10])
    end
    -- After version, epoch and offset: which jobs were to start leased and wait for their turn instead.
    local result = {'ok', string.format('%d', version), epoch, string.format('%d', before)}
    local at = queues(KEYS[7], KEYS[8], KEYS[9], ARGV[13], ARGV[14], ARGV[11], ARGV[1])
    for n = 0, jobs - 1 do
        if not enqueue(at, jobs_from + 9 * n) then result[#result + 1] = tostring(n) end
    end
    tally(ARGV[15], ARGV[16], tallies, tallies_from)
    return result
end
