-- The generic cell rate algorithm: one number of state, the theoretical arrival time. The answer is the number before,
-- from which the caller derives the decision by the rule that all stores share.
-- KEYS: 1 limit   ARGV: 1 now, 2 milliseconds to earn one back, 3 milliseconds of the whole burst, 4 slack
local now, tat = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0')
local ahead = math.max(tat, now) + tonumber(ARGV[2]) - now
if ahead <= tonumber(ARGV[3]) then
    local lifetime = string.format('%.0f', ahead + tonumber(ARGV[4]))
    redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', lifetime)
end
return {'ok', string.format('%.0f', tat)}
