-- KEYS: 1 head, 2 stream   ARGV: 1 now, 2 the cursor's epoch or '', 3 its offset, 4 limit, 5 kept events
local head = redis.call('HMGET', KEYS[1], 'x', 'e', 'n')
if not head[1] or tonumber(head[1]) <= tonumber(ARGV[1]) then return {'none'} end
local last, after = tonumber(head[3]), tonumber(ARGV[3])
local events = {}
-- What the cursor's place means is decided by the caller; here only what surely is a gap is not read.
if (ARGV[2] == '' or ARGV[2] == head[2]) and after < last and after + 1 > last - tonumber(ARGV[5]) then
    events = redis.call('XRANGE', KEYS[2], string.format('%d', after + 1), '+', 'COUNT', ARGV[4])
end
return {'ok', head[2], head[3], events}
