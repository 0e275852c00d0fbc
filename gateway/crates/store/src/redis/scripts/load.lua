-- KEYS: 1 head, 2 body   ARGV: 1 now
local head = redis.call('HMGET', KEYS[1], 'v', 'l', 'x')
if not head[3] or tonumber(head[3]) <= tonumber(ARGV[1]) then return {'none'} end
return {'ok', head[1], head[2], head[3], redis.call('GET', KEYS[2]) or ''}
