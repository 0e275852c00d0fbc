-- The epoch to write in: a new one if somebody has seen an event of this epoch that the stream does not have.
local function present_epoch(epoch, last, known_epoch, known_last, fresh)
    if epoch == known_epoch and last < tonumber(known_last) then return fresh end
    return epoch
end

-- Appends events (kind, data, instant each) from ARGV[from] on, and tells who listens.
local function append(stream, channel, session, epoch, last, count, kept, from)
    for n = 0, count - 1 do
        last = last + 1
        local at = from + 3 * n
        redis.call('XADD', stream, string.format('%d-0', last), 'k', ARGV[at], 'd', ARGV[at + 1], 'a', ARGV[at + 2])
    end
    redis.call('XTRIM', stream, 'MAXLEN', '~', kept)
    redis.call('SPUBLISH', channel, 'e' .. session .. epoch .. string.format('%d', last))
    return last
end
