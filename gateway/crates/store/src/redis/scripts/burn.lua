-- KEYS: 1 burnt key   ARGV: 1 now, 2 when it is forgotten, 3 lifetime, 4 step
local seen = redis.call('GET', KEYS[1])
if seen then
    local forget, by = string.match(seen, '^(%d+) (%S+)$')
    if tonumber(forget) > tonumber(ARGV[1]) then return {'ok', by == ARGV[4] and '1' or '0'} end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[4], 'PX', ARGV[3])
return {'ok', '1'}
