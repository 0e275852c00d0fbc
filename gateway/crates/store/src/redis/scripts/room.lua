-- What every step on a waiting room shares. A room is three keys, the last ones of a call: its holders in the order of joining, the same ones by
-- when their patience is over, and a hash of what they brought, with the instant of joining before it.
local order, patience, brought = KEYS[#KEYS - 2], KEYS[#KEYS - 1], KEYS[#KEYS]
local now = tonumber(ARGV[1])

-- Takes those off whose patience is over; there are never more than the room has places. Tells how many wait.
local function tidy()
    local over = redis.call('ZRANGEBYSCORE', patience, '-inf', ARGV[1])
    for _, holder in ipairs(over) do
        redis.call('ZREM', order, holder)
        redis.call('HDEL', brought, holder)
        redis.call('ZREM', patience, holder)
    end
    return redis.call('ZCARD', order)
end

-- The holder has until `gone` to ask again, and the room's keys last as long as their longest patience.
local function wait_until(holder, gone, lifetime)
    redis.call('ZADD', patience, gone, holder)
    if redis.call('PTTL', patience) < tonumber(lifetime) then
        for _, key in ipairs({order, patience, brought}) do redis.call('PEXPIRE', key, lifetime) end
    end
end

-- The holder's place, prolonged; nil if it does not wait.
local function place(holder, gone, lifetime, of)
    local ahead = redis.call('ZRANK', order, holder)
    if not ahead then return nil end
    wait_until(holder, gone, lifetime)
    local since, body = string.match(redis.call('HGET', brought, holder), '^(%d+) (.*)$')
    return {'ok', ahead, of, since, body}
end
