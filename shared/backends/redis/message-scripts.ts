import { type RedisScript, script } from './scripts.ts'

// An entry of a channel's list is "expiry text": in milliseconds since the epoch, and the message.
const HAS_EXPIRED = `
local function hasExpired(entry)
  return tonumber(string.match(entry, '^%d+')) <= tonumber(ARGV[1])
end`

/**
 * ARGV: now and the expiry, in milliseconds; how many entries the list takes; the entry. Answers 1, or 0 if it is full.
 *
 * Only where the list looks full are expired entries looked for behind the first that has not.
 */
export const putMessage: RedisScript = script(`${HAS_EXPIRED}
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    if hasExpired(entry) then redis.call('LREM', KEYS[1], 1, entry) end
  end
  if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
end
local life = tonumber(ARGV[2]) - tonumber(ARGV[1])
if life <= 0 then return 1 end
redis.call('RPUSH', KEYS[1], ARGV[4])
if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], life) end
return 1`)

/** ARGV: now in milliseconds. Takes the first entry that has not expired, and those before it; nil if there is none. */
export const takeMessage: RedisScript = script(`${HAS_EXPIRED}
while true do
  local entry = redis.call('LPOP', KEYS[1])
  if not entry then return false end
  if not hasExpired(entry) then return entry end
end`)
