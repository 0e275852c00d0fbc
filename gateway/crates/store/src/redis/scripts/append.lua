-- KEYS: 1 the step's memory, 2 head, 3 stream
-- ARGV: 1 now, 2 fresh epoch, 3 known epoch, 4 known offset, 5 session, 6 channel, 7 kept events, 8 events; then the
--       events (3 each)
local function step()
    local head = redis.call('HMGET', KEYS[2], 'x', 'e', 'n')
    if not head[1] or tonumber(head[1]) <= tonumber(ARGV[1]) then return {'none'} end
    local before = tonumber(head[3])
    local epoch = present_epoch(head[2], before, ARGV[3], ARGV[4], ARGV[2])
    local last = before
    if tonumber(ARGV[8]) > 0 then
        local new = redis.call('EXISTS', KEYS[3]) == 0
        last = append(KEYS[3], ARGV[6], ARGV[5], epoch, before, tonumber(ARGV[8]), ARGV[7], 9)
        if new then redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2])) end
    end
    redis.call('HSET', KEYS[2], 'e', epoch, 'n', string.format('%d', last))
    return {'ok', epoch, string.format('%d', before)}
end
