-- KEYS: the room's three   ARGV: 1 now, 2 holder, 3 when its patience is over, 4 lifetime, 5 cap, 6 body
local waiting = tidy()
local known = place(ARGV[2], ARGV[3], ARGV[4], waiting)
if known then return known end
if waiting >= tonumber(ARGV[5]) then return {'full', waiting} end
local last = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')[2] or '0'
redis.call('ZADD', order, string.format('%.0f', tonumber(last) + 1), ARGV[2])
redis.call('HSET', brought, ARGV[2], ARGV[1] .. ' ' .. ARGV[6])
return place(ARGV[2], ARGV[3], ARGV[4], waiting + 1)
