export { RedisChannelStore, type RedisChannelStoreOptions } from './redis-channel-store.ts'
export { createRedisClient, type RedisAddress, type RedisClientOptions } from './redis-client.ts'
export type { RedisClient } from './redis-calls.ts'
