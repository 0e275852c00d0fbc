-- KEYS: days   ARGV: the same days' numbers
local result = {'ok'}
for n, key in ipairs(KEYS) do
    local sums = redis.call('HGETALL', key)
    for at = 1, #sums, 2 do
        result[#result + 1] = ARGV[n]
        result[#result + 1] = sums[at]
        result[#result + 1] = sums[at + 1]
    end
end
return result
