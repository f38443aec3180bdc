import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../../clock.ts'
import { StoreError } from '../../errors.ts'
import type {
  ChannelStore,
  ConnectionRecord,
  LoadedRecords,
  MemberPage,
  MemberRange,
  RecordWrite,
  RemovedRecord,
} from '../../stores/channel-store.ts'
import type { ChannelMessages } from '../../stores/channel-messages.ts'
import type { ConnectionListing } from '../../stores/connection-listing.ts'
import { failureOf, readOrFailure } from '../../stores/store-failure.ts'
import { ValueCodec, type ValueCodecOptions } from '../../stores/value-codec.ts'
import { requireWholeNumber } from '../../whole-number.ts'
import { forgetAll } from './forget-all.ts'
import { connectionKey, groupKey, requirePrefix } from './keys.ts'
import { listConnectionIds } from './list-connection-ids.ts'
import { entryOf, entryRange, memberEntry, memberOfEntry, positionOfEntry } from './member-entry.ts'
import {
  type Fields,
  fieldsOfReply,
  groupField,
  groupsIn,
  hashChanges,
  hashOfRecord,
  isAlive,
  recordOfHash,
} from './record-hash.ts'
import { RedisCalls, type RedisClient, serverOf } from './redis-calls.ts'
import { RedisChannelMessages } from './redis-channel-messages.ts'
import { addMember, createRecord, joinRecord, removeRecord, saveRecord } from './scripts.ts'

const DEFAULT_PREFIX = 'channels'
const DEFAULT_PAGE_SIZE = 1_000
const DEFAULT_TIMEOUT_MS = 5_000
const READ_BATCH = 100

/** Options of {@link RedisChannelStore}. */
export interface RedisChannelStoreOptions extends ValueCodecOptions {
  /** One for each container, reused: `createRedisClient` makes it. Whoever made it closes it. */
  readonly client: RedisClient
  /** What every key begins with; `channels` by default. Applications with different ones share a server. */
  readonly prefix?: string
  readonly clock?: Clock
  /** For one call with all its tries, in milliseconds; 5000 by default. */
  readonly timeoutMs?: number
  /** Members in one page, expired ones included; 1000 by default. */
  readonly pageSize?: number
}

/**
 * Connections and groups in Redis or Valkey, one server or a cluster.
 *
 * A record is a hash, a group a sorted set; no script touches more than one. A write whose answer is lost is made
 * again, so a version may go up by two. Reads see every acknowledged write for as long as the server has lost
 * none: replication is asynchronous, so a failover can lose the last ones.
 */
export class RedisChannelStore implements ChannelStore, ConnectionListing {
  readonly identity: string | undefined
  readonly messages: ChannelMessages
  readonly #calls: RedisCalls
  readonly #prefix: string
  readonly #clock: Clock
  readonly #pageSize: number
  readonly #codec: ValueCodec

  /** @throws {@link ConfigurationError} if the prefix, a number, the serializer or a key of encryption is no good */
  constructor(options: RedisChannelStoreOptions) {
    const { client, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    this.#calls = new RedisCalls(client, timeoutMs)
    this.#prefix = requirePrefix(options.prefix ?? DEFAULT_PREFIX)
    this.#clock = options.clock ?? systemClock
    this.#pageSize = requireWholeNumber(options.pageSize ?? DEFAULT_PAGE_SIZE, 'pageSize')
    this.#codec = new ValueCodec(options)
    const server = serverOf(client)
    this.identity = server && `${server}, prefix "${this.#prefix}"`
    this.messages = new RedisChannelMessages({
      client,
      timeoutMs,
      prefix: this.#prefix,
      clock: this.#clock,
      codec: this.#codec,
    })
  }

  async create(record: ConnectionRecord): Promise<void> {
    const groups = [...new Set(record.groups)]
    const fields = hashOfRecord(record, this.#codec)
    const key = this.#connectionKey(record.connectionId)
    const attempt = `create connection "${record.connectionId}" with ${groups.length} groups`
    // Not one step: in a cluster each is on a node of its own. A crash in between leaves what expires.
    await this.#calls.run(attempt, () =>
      Promise.all([
        this.#calls.script(createRecord, key, [this.#secondsLeft(record), ...fields]),
        ...groups.map((group) => this.#addMember(group, record)),
      ]),
    )
  }

  async load(connectionId: string): Promise<ConnectionRecord | undefined> {
    const reply = await this.#calls.run(`load connection "${connectionId}"`, () =>
      this.#calls.client.hgetall(this.#connectionKey(connectionId)),
    )
    return this.#recordOf(connectionId, new Map(Object.entries(reply)))
  }

  async loadMany(connectionIds: readonly string[]): Promise<LoadedRecords> {
    const ids = [...new Set(connectionIds)]
    const records = new Map<string, ConnectionRecord | StoreError>()
    for (let start = 0; start < ids.length; start += READ_BATCH) {
      const batch = ids.slice(start, start + READ_BATCH)
      const replies = await this.#calls.run(`load ${batch.length} of ${ids.length} connections`, () =>
        // ioredis writes them together, and waits for no answer in between: as fast as its pipelines, measured.
        Promise.all(batch.map((id) => this.#calls.client.hgetall(this.#connectionKey(id)))),
      )
      for (const [index, id] of batch.entries()) {
        const fields = new Map(Object.entries(replies[index] ?? {}))
        const record = readOrFailure(() => this.#recordOf(id, fields))
        if (record) records.set(id, record)
      }
    }
    return records
  }

  async saveState(connectionId: string, write: RecordWrite): Promise<boolean> {
    const attempt = `save connection "${connectionId}"`
    return (await this.#save(attempt, connectionId, { write, expected: '', writer: '' })) === 'saved'
  }

  async saveStateIf(
    connectionId: string,
    version: number,
    write: RecordWrite,
  ): Promise<'saved' | 'conflict' | 'gone'> {
    const attempt = `save connection "${connectionId}" at version ${version}`
    return await this.#save(attempt, connectionId, {
      write,
      expected: String(version),
      writer: uniqueToken(),
    })
  }

  async remove(connectionId: string): Promise<RemovedRecord | undefined> {
    const key = this.#connectionKey(connectionId)
    const remover = uniqueToken()
    const reply = await this.#calls.run(`remove connection "${connectionId}"`, () =>
      this.#calls.script(removeRecord, key, [remover]),
    )
    const fields = fieldsOfReply(reply as readonly string[])
    if (fields.size === 0) return undefined
    // The record goes last: after a crash in between, the next who removes the connection finds its groups, and
    // ends them, without being given the record.
    const membershipFailure = await failureOf(this.#endMemberships(connectionId, groupsIn(fields)))
    if (fields.get('removedBy') === remover) {
      const withoutMark = new Map([...fields].filter(([field]) => field !== 'removedBy'))
      const record = this.#recordOf(connectionId, withoutMark)
      return membershipFailure && record ? { ...record, membershipFailure } : record
    }
    if (membershipFailure) throw membershipFailure
    return undefined
  }

  async groupAdd(group: string, connectionId: string): Promise<boolean> {
    const attempt = `add connection "${connectionId}" to group "${group}"`
    const key = this.#connectionKey(connectionId)
    // The record first: a crash in between leaves a name too many on the record, never a membership that
    // nobody knows of. A `remove` in between does leave one.
    const reply = await this.#calls.run(attempt, () =>
      this.#calls.script(joinRecord, key, [this.#nowSeconds(), groupField(group)]),
    )
    if (reply === null) return false
    const [connectedAt, expiresAt] = (reply as readonly string[]).map(Number)
    const times = { connectedAt: connectedAt ?? 0, expiresAt: expiresAt ?? 0 }
    await this.#calls.run(`${attempt} (its record names the group)`, () =>
      this.#addMember(group, { connectionId, ...times }),
    )
    return true
  }

  async groupDiscard(group: string, connectionId: string): Promise<void> {
    const attempt = `discard connection "${connectionId}" from group "${group}"`
    const { client } = this.#calls
    await this.#calls.run(attempt, async () => {
      const ending = client.zremrangebylex(this.#groupKey(group), ...entryOf(connectionId))
      // In a cluster the record may be elsewhere: it names the group until the membership has ended.
      if (client.isCluster) await ending
      await Promise.all([ending, client.hdel(this.#connectionKey(connectionId), groupField(group))])
    })
  }

  async members(group: string, range: MemberRange = {}): Promise<MemberPage> {
    const key = this.#groupKey(group)
    const attempt = `read the members of group "${group}"`
    // One more than a page tells whether there is another.
    const entries = await this.#calls.run(attempt, () =>
      this.#calls.client.zrangebylex(key, ...entryRange(range), 'LIMIT', 0, this.#pageSize + 1),
    )
    const page = entries.slice(0, this.#pageSize)
    await this.#forgetExpired(key, page, attempt)
    const members = page
      .map((entry) => memberOfEntry(entry))
      .filter(({ expiresAt }) => expiresAt > this.#nowSeconds())
      .map(({ connectionId, connectedAt }) => ({ connectionId, connectedAt }))
    const last = page.at(-1)
    return last === undefined || entries.length <= this.#pageSize
      ? { members }
      : { members, next: positionOfEntry(last) }
  }

  async *connections(): AsyncGenerator<ConnectionRecord> {
    for await (const ids of listConnectionIds(this.#calls, this.#prefix)) {
      for (const record of (await this.loadMany(ids)).values()) {
        if (record instanceof StoreError) throw record
        yield record
      }
    }
  }

  flush(): Promise<void> {
    return forgetAll(this.#calls, this.#prefix)
  }

  async #save(attempt: string, connectionId: string, save: Save): Promise<'saved' | 'conflict' | 'gone'> {
    const { set, remove } = hashChanges(connectionId, save.write, this.#codec)
    const key = this.#connectionKey(connectionId)
    const outcome = await this.#calls.run(attempt, () => {
      const head = [this.#nowSeconds(), save.expected, save.writer, set.length / 2]
      return this.#calls.script(saveRecord, key, [...head, ...set, ...remove])
    })
    return outcome as 'saved' | 'conflict' | 'gone'
  }

  #addMember(
    group: string,
    member: Omit<ConnectionRecord, 'scope' | 'state' | 'version' | 'groups'>,
  ): Promise<unknown> {
    const args = [memberEntry(member), this.#secondsLeft(member)]
    return this.#calls.script(addMember, this.#groupKey(group), args)
  }

  async #endMemberships(connectionId: string, groups: readonly string[]): Promise<void> {
    const { client } = this.#calls
    const attempt = `end the memberships of connection "${connectionId}" (its record is removed) in ${groups.length} groups`
    await this.#calls.run(attempt, async () => {
      const range = entryOf(connectionId)
      const ended = groups.map((group) => client.zremrangebylex(this.#groupKey(group), ...range))
      if (client.isCluster) await Promise.all(ended)
      await Promise.all([...ended, client.del(this.#connectionKey(connectionId))])
    })
  }

  /** Redis lets a group expire as a whole, not its members one by one. */
  async #forgetExpired(key: string, entries: readonly string[], attempt: string): Promise<void> {
    const now = this.#nowSeconds()
    const expired = entries.filter((entry) => memberOfEntry(entry).expiresAt <= now)
    if (expired.length === 0) return
    await this.#calls.run(`${attempt} (which were read) and remove the expired ones`, () =>
      this.#calls.client.zrem(key, ...expired),
    )
  }

  #recordOf(connectionId: string, fields: Fields): ConnectionRecord | undefined {
    if (!isAlive(fields, this.#nowSeconds())) return undefined
    return recordOfHash(connectionId, fields, this.#codec)
  }

  /** Keys live for a while, not until a time: the server's clock may be another. */
  #secondsLeft({ expiresAt }: { readonly expiresAt: number }): number {
    return expiresAt - this.#nowSeconds()
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000)
  }

  #connectionKey(connectionId: string): string {
    return connectionKey(this.#prefix, connectionId)
  }

  #groupKey(group: string): string {
    return groupKey(this.#prefix, group)
  }
}

interface Save {
  readonly write: RecordWrite
  /** The version it must have; '' for any. */
  readonly expected: string
  /** Marks the write as this call's own; '' where nobody asks. */
  readonly writer: string
}

function uniqueToken(): string {
  return randomBytes(9).toString('base64url')
}
