import { hash } from 'node:crypto'

/** A script in Lua, which Redis runs as one step. Each of ours touches one key, its `KEYS[1]`. */
export interface RedisScript {
  readonly lua: string
  readonly sha: string
}

/** A script by its text. */
export function script(lua: string): RedisScript {
  return { lua, sha: hash('sha1', lua, 'hex') }
}

// A record that is being removed stays, marked, until its memberships have ended: see `removeRecord`.
const IS_ALIVE = `
local function isAlive(head)
  return head[1] and not head[2] and tonumber(head[1]) > tonumber(ARGV[1])
end`

/**
 * ARGV: seconds to live, then field and value of each. Replaces what is there.
 *
 * Redis lets a script go over maxmemory once it has written, so the first write is one that it would refuse.
 */
export const createRecord: RedisScript = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`)

/**
 * ARGV: now in seconds, the version it must have or '', who writes or '', how many fields to set, field and value
 * of each, fields to delete. Answers 'saved', 'conflict' or 'gone'.
 *
 * Who writes is kept, so that a write that is made again because its answer was lost meets itself.
 */
export const saveRecord: RedisScript = script(`${IS_ALIVE}
local head = redis.call('HMGET', KEYS[1], 'expiresAt', 'removedBy', 'version', 'writer')
if not isAlive(head) then return 'gone' end
if ARGV[2] ~= '' and head[3] ~= ARGV[2] then
  if head[4] == ARGV[3] then return 'saved' end
  return 'conflict'
end
local last = 4 + 2 * tonumber(ARGV[4])
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = 5, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'writer', ARGV[3]) end
redis.call('HINCRBY', KEYS[1], 'version', 1)
return 'saved'`)

/** ARGV: now in seconds, a field. Sets the field; answers with connectedAt and expiresAt, or nil if there is no record. */
export const joinRecord: RedisScript = script(`${IS_ALIVE}
local head = redis.call('HMGET', KEYS[1], 'expiresAt', 'removedBy', 'connectedAt')
if not isAlive(head) then return false end
redis.call('HSET', KEYS[1], ARGV[2], '')
return { head[3], head[1] }`)

/**
 * ARGV: who removes. Marks the record, so that nobody sees it any more, and answers with its fields; of several
 * removers the first is named in them.
 */
export const removeRecord: RedisScript = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
redis.call('HSETNX', KEYS[1], 'removedBy', ARGV[1])
return redis.call('HGETALL', KEYS[1])`)

/** ARGV: a member's entry, its seconds to live. The group lives as long as the last of its members. */
export const addMember: RedisScript = script(`
if tonumber(ARGV[2]) <= 0 then return 0 end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1`)

/** ARGV: seconds to live. Counts one more, and answers with the count. */
export const countHit: RedisScript = script(`
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return hits`)
