-- Takes an expired session off the list of those that go on.
-- KEYS: 1 live sessions, 2 head   ARGV: 1 now, 2 session
local expiry = redis.call('HGET', KEYS[2], 'x')
if not expiry or tonumber(expiry) <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[2]) end
return {'ok'}
