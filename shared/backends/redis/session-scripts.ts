import { type RedisScript, script } from './scripts.ts'

const IS_ALIVE = `
local function isAlive()
  local expiresAt = redis.call('HGET', KEYS[1], 'expiresAt')
  return expiresAt and tonumber(expiresAt) > tonumber(ARGV[1])
end`

/** ARGV: now in seconds, seconds to live, then field and value of each. Answers 1, or 0 if there is such a session. */
export const createSession: RedisScript = script(`${IS_ALIVE}
if isAlive() then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1`)

/**
 * ARGV: now in seconds, seconds to live, how many fields to set, field and value of each, fields to delete. Answers 1,
 * or 0 if there is no such session.
 */
export const saveSession: RedisScript = script(`${IS_ALIVE}
if not isAlive() then return 0 end
local last = 3 + 2 * tonumber(ARGV[3])
for i = 4, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1`)

/** Answers with the fields and values of a session, which is deleted, in turn: none, if there is no such session. */
export const takeSession: RedisScript = script(`
local fields = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[1])
return fields`)

/** ARGV: now in seconds. Answers 1 if there was a session with nothing in it but when it expires, which is deleted. */
export const deleteEmptySession: RedisScript = script(`${IS_ALIVE}
if not isAlive() or redis.call('HLEN', KEYS[1]) > 1 then return 0 end
return redis.call('DEL', KEYS[1])`)

/** Answers with the value, which is deleted, or nil. GETDEL would do, but Redis has it from 6.2 on only. */
export const takeValue: RedisScript = script(`
local value = redis.call('GET', KEYS[1])
if value then redis.call('DEL', KEYS[1]) end
return value`)
