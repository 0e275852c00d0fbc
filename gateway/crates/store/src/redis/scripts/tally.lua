-- Counts what a step carries: a hash for each day with a field for each name. A sum that would not fit stays at the
-- largest, or the step would fail in its middle. `from`: day, name, number each.
local function tally(prefix, lifetime, count, from)
    for n = 0, count - 1 do
        local at = from + 3 * n
        local key, name, by = prefix .. ARGV[at], ARGV[at + 1], ARGV[at + 2]
        local sum = redis.pcall('HINCRBY', key, name, by)
        if type(sum) ~= 'number' then redis.call('HSET', key, name, '9223372036854775807') end
        redis.call('PEXPIRE', key, lifetime)
    end
end
