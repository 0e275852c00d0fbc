-- A hash: "x" when it is forgotten, "s" the seconds spent, a field for each holder: its seconds, then "!" once settled.
-- KEYS: 1 budget   ARGV: 1 now, 2 holder, 3 seconds, 4 cap, 5 when it is forgotten, 6 lifetime
local budget = redis.call('HMGET', KEYS[1], 'x', 's', 'h:' .. ARGV[2])
local alive = budget[1] and tonumber(budget[1]) > tonumber(ARGV[1])
local spent = alive and tonumber(budget[2]) or 0
local left = math.max(0, tonumber(ARGV[4]) - spent)
if alive and budget[3] then return {'ok', '1', string.format('%.0f', left)} end
local seconds = tonumber(ARGV[3])
if seconds > left then return {'ok', '0', string.format('%.0f', left)} end
if not alive then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'x', ARGV[5])
end
redis.call('HSET', KEYS[1], 's', string.format('%.0f', spent + seconds), 'h:' .. ARGV[2], ARGV[3])
if not alive then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
return {'ok', '1', string.format('%.0f', left - seconds)}
