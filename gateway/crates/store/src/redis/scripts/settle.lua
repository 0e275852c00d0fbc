-- KEYS: 1 budget   ARGV: 1 now, 2 holder, 3 seconds used
local budget = redis.call('HMGET', KEYS[1], 'x', 's', 'h:' .. ARGV[2])
if not budget[1] or tonumber(budget[1]) <= tonumber(ARGV[1]) then return {'ok'} end
local seconds = budget[3] and tonumber(budget[3])
-- A settled one ends with '!' and is no number.
if not seconds then return {'ok'} end
local unused = math.max(0, seconds - tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 's', string.format('%.0f', math.max(0, tonumber(budget[2]) - unused)),
    'h:' .. ARGV[2], budget[3] .. '!')
return {'ok'}
