-- KEYS: 1 waiting, 2 running, 3 counts, 4 dead   ARGV: 1 now
local after = '(' .. ARGV[1]
local oldest = ''
for q = 1, 2 do
    local first = redis.call('ZRANGE', KEYS[q], 0, 0, 'WITHSCORES')
    if first[2] and (oldest == '' or tonumber(first[2]) < tonumber(oldest)) then oldest = first[2] end
end
local result = {
    'ok', oldest,
    redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[1]) + redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1]),
    redis.call('ZCOUNT', KEYS[1], after, '+inf'), redis.call('ZCOUNT', KEYS[2], after, '+inf'),
    redis.call('ZCARD', KEYS[4]),
}
for _, told in ipairs(redis.call('HGETALL', KEYS[3])) do result[#result + 1] = told end
return result
