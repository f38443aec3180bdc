import { DynamoDBChannelStore, httpTransport } from '../backends/dynamodb/index.ts'
import { MemoryChannelStore } from '../backends/memory/index.ts'
import type { ChannelStore } from '../stores/channel-store.ts'
import type { ConnectionListing } from '../stores/connection-listing.ts'
import type { LayerEnvironment } from './layer-environment.ts'
import { redisOptionsOf } from './redis-options.ts'

/** A store, and what it holds open. */
export interface OpenStore {
  readonly store: ChannelStore & ConnectionListing
  /** Closes its sockets. A function on Lambda never needs to. */
  readonly close: () => void
}

/**
 * The store that an environment names.
 *
 * With a region and credentials in the environment, as on Lambda, DynamoDB is called without the AWS SDK; else the SDK
 * looks for them, in a profile for instance. `ioredis` is loaded for Redis only.
 */
export async function openStore(environment: LayerEnvironment): Promise<OpenStore> {
  if (environment.layer === 'memory') return { store: new MemoryChannelStore(), close: () => undefined }
  const keys = environment.symmetricEncryptionKeys
  const encryption = keys === undefined ? {} : { symmetricEncryptionKeys: keys }
  if (environment.layer === 'dynamodb') return openDynamoDB(environment, encryption)
  return await openRedis(environment, encryption)
}

type Encryption = { readonly symmetricEncryptionKeys?: readonly string[] }

async function openRedis(
  environment: LayerEnvironment & { readonly layer: 'redis' },
  encryption: Encryption,
): Promise<OpenStore> {
  const { redisPrefix } = environment
  const prefix = redisPrefix === undefined ? {} : { prefix: redisPrefix }
  const options = redisOptionsOf(environment)
  // Only who uses it pays for it: ioredis adds some 50 ms to a cold start.
  const { createRedisClient, RedisChannelStore } = await import('../backends/redis/index.ts')
  const client = createRedisClient(options)
  const store = new RedisChannelStore({ client, ...prefix, ...encryption })
  return { store, close: () => client.disconnect() }
}

function openDynamoDB(
  environment: LayerEnvironment & { readonly layer: 'dynamodb' },
  encryption: Encryption,
): OpenStore {
  const { table: tableName, dynamodbEndpoint: endpoint, region, credentials } = environment
  if (region !== undefined && credentials !== undefined) {
    const transport = httpTransport({ region, endpoint, credentials: async () => credentials })
    const store = new DynamoDBChannelStore({ tableName, transport, ...encryption })
    return { store, close: () => transport.destroy() }
  }
  const clientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
  return {
    store: new DynamoDBChannelStore({ tableName, clientConfig, ...encryption }),
    close: () => undefined,
  }
}
