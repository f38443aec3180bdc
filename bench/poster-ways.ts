import type { FastPoster } from '../shared/gateway/fast-poster.ts'
import { forEachConcurrently } from '../shared/layers/for-each-concurrently.ts'
import { rawSockets } from './raw-sockets.ts'

/** Posts `text` to every connection; resolves once every answer was 200. */
export type PostAll = (ids: readonly string[], text: string) => Promise<void>

/** Sockets that the ways which can be told so may open. */
export const SOCKETS = 256

/** Members that the channel layer serves at the same time. */
const MEMBERS_AT_ONCE = 256

/** Ways to post to many connections. Each imports what it needs, and nothing of the others. */
export const ways = {
  /** As AWS's samples do it: one client as it comes, one promise for each connection. */
  'SDK as samples': async (endpoint) => {
    const { ApiGatewayManagementApiClient, PostToConnectionCommand } =
      await import('@aws-sdk/client-apigatewaymanagementapi')
    const client = new ApiGatewayManagementApiClient({ endpoint })
    return async (ids, text) => {
      await Promise.all(
        ids.map((id) => client.send(new PostToConnectionCommand({ ConnectionId: id, Data: text }))),
      )
    }
  },
  /** The SDK's client with as many kept-alive sockets as the others have. */
  'SDK tuned': async (endpoint) => {
    const { ApiGatewayManagementApiClient, PostToConnectionCommand } =
      await import('@aws-sdk/client-apigatewaymanagementapi')
    const requestHandler = { httpsAgent: { keepAlive: true, maxSockets: SOCKETS } }
    const client = new ApiGatewayManagementApiClient({ endpoint, requestHandler })
    return async (ids, text) => {
      await Promise.all(
        ids.map((id) => client.send(new PostToConnectionCommand({ ConnectionId: id, Data: text }))),
      )
    }
  },
  ManagementApiPoster: async (endpoint) => {
    const { ManagementApiPoster } = await import('../shared/gateway/management-api-poster.ts')
    const poster = new ManagementApiPoster({ endpoint, credentials, maxSockets: SOCKETS })
    return async (ids, text) => {
      await Promise.all(ids.map((id) => poster.post(id, text)))
    }
  },
  'FastPoster, all at once': async (endpoint) => {
    const poster = await fastPoster(endpoint)
    return async (ids, text) => {
      await Promise.all(ids.map((id) => poster.post(id, text)))
    }
  },
  /** As the channel layer calls it. */
  FastPoster: async (endpoint) => {
    const poster = await fastPoster(endpoint)
    return async (ids, text) => {
      await forEachConcurrently(ids, MEMBERS_AT_ONCE, (id) => poster.post(id, text))
    }
  },
  'raw, unsigned': async (endpoint) => rawSockets(endpoint),
  /** An empty process, to compare memory with. */
  nothing: async () => async () => {},
} as const satisfies Readonly<Record<string, (endpoint: string) => Promise<PostAll>>>

async function fastPoster(endpoint: string): Promise<FastPoster> {
  const module = await import('../shared/gateway/fast-poster.ts')
  return new module.FastPoster({ endpoint, credentials, maxSockets: SOCKETS })
}

export type WayName = keyof typeof ways

async function credentials(): Promise<{
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
}> {
  return {
    accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: process.env['AWS_SESSION_TOKEN'] ?? '',
  }
}
