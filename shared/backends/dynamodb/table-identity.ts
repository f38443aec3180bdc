import type { DynamoDBTransport } from './transport.ts'

/** What says where a table is. */
interface TablePlace {
  readonly tableName: string
  readonly transport?: DynamoDBTransport
  /** As the SDK takes them: what is a function there is asked for nothing. */
  readonly clientConfig?: { readonly endpoint?: unknown; readonly region?: unknown }
}

/**
 * Names a table as exactly as can be known without the SDK: what that looks up in the environment is the same for all, and
 * what a client of one's own was made with does not show.
 */
export function tableIdentity({ tableName, transport, clientConfig }: TablePlace): string {
  const known = [transport?.endpoint, clientConfig?.endpoint, clientConfig?.region]
  const place = known.find((one) => typeof one === 'string') ?? 'the region of the environment'
  return `dynamodb table "${tableName}" in ${place}`
}
