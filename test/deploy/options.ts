import { parseArgs } from 'node:util'

/** Where the tests deploy to. */
export type Destination =
  | { readonly kind: 'ministack' }
  /** One that runs already. */
  | { readonly kind: 'emulator'; readonly endpoint: string }
  /** The account of the environment's credentials. */
  | { readonly kind: 'aws' }

/** What was asked for cannot be done; the message says what can. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `Deploys examples/chat with the real cdk, drives it with real wscat, and destroys it.

Usage: npm run test:deploy [-- --endpoint WHERE]

  (nothing)                   starts MiniStack on this machine, and stops it at the end
  --endpoint http://HOST:4566 an emulator that runs already, such as LocalStack
  --endpoint aws              the account and region of the environment's credentials; it costs a few cents
`

/**
 * What the command line says; undefined if it asks for help.
 *
 * @throws UsageError naming the argument and the rule
 */
export function readDestination(args: readonly string[]): Destination | undefined {
  const { endpoint, help } = parse(args)
  if (help) return undefined
  if (endpoint === undefined) return { kind: 'ministack' }
  if (endpoint === 'aws') return { kind: 'aws' }
  if (/^https?:\/\/./.test(endpoint) && URL.canParse(endpoint)) {
    return { kind: 'emulator', endpoint: originOf(endpoint) }
  }
  throw new UsageError(
    `--endpoint is "${endpoint}": use the address of an emulator, such as http://localhost:4566, or aws`,
  )
}

function originOf(endpoint: string): string {
  const { origin, href } = new URL(endpoint)
  if (href === `${origin}/`) return origin
  throw new UsageError(
    `--endpoint is "${endpoint}": an emulator is named by scheme, host and port alone; use --endpoint ${origin}`,
  )
}

function parse(args: readonly string[]): { readonly endpoint?: string; readonly help?: boolean } {
  try {
    return parseArgs({
      args: [...args],
      options: { endpoint: { type: 'string' }, help: { type: 'boolean' } },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
