-- The first result of a step is the result of its repetitions: a call whose answer was lost may be sent again. Only
-- what was done is remembered; a refusal may be decided anew. 60 s are far longer than any call goes on.
local known = redis.call('GET', KEYS[1])
if known then return cmsgpack.unpack(known) end
local result = step()
if result[1] == 'ok' then redis.call('SET', KEYS[1], cmsgpack.pack(result), 'PX', 60000) end
return result
