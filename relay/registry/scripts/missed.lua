-- Read the committed events that came after the plain one of a segment, in order.
--
-- KEYS  events
-- ARGV  the last segment that is known, or -1
-- Gives 1 if nothing before them is missing, else 0; then their texts.
local after = tonumber(ARGV[1])
local found, earliest, id = {}, nil, '+'
local is_found = false
while not is_found do
  local page = redis.call('XREVRANGE', KEYS[1], id, '-', 'COUNT', 32)
  for _, entry in ipairs(page) do
    local segment, is_extra = tonumber(entry[2][2]), entry[2][4] == '1'
    if not is_extra and segment <= after then
      is_found = true
      break
    end
    if not is_extra then
      earliest = segment
    end
    found[#found + 1] = entry[2][8]
    id = '(' .. entry[1]
  end
  if #page < 32 then break end
end
local is_whole = is_found or earliest == after + 1 or (after == -1 and #found == 0)
local events = {is_whole and 1 or 0}
for i = #found, 1, -1 do
  events[#events + 1] = found[i]
end
return events
