-- Where a call or a document leads. Being asked for keeps the index for another lifetime: its session goes on then.
-- KEYS: 1 index
local value = redis.call('GET', KEYS[1])
if not value then return {'none'} end
local session, lifetime = string.match(value, '^(%S+) (%d+)$')
redis.call('PEXPIRE', KEYS[1], lifetime)
return {'ok', session}
