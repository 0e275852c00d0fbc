-- Where a stream stands; a new epoch if it lacks what somebody has seen of it.
-- KEYS: 1 head   ARGV: 1 now, 2 fresh epoch, 3 known epoch, 4 known offset
local head = redis.call('HMGET', KEYS[1], 'x', 'e', 'n')
if not head[1] or tonumber(head[1]) <= tonumber(ARGV[1]) then return {'none'} end
local epoch = present_epoch(head[2], tonumber(head[3]), ARGV[3], ARGV[4], ARGV[2])
if epoch ~= head[2] then redis.call('HSET', KEYS[1], 'e', epoch) end
return {'ok', epoch, head[3]}
