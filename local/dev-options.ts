import { parseArgs } from 'node:util'
import { ConfigurationError } from '../shared/errors.ts'

const LAYERS = ['dynamodb', 'redis', 'memory'] as const
const ORDERINGS = ['parallel', 'serial'] as const
const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379'

/** What `npm run dev` is asked to do. */
export interface DevOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly host: string
  /** Where groups and connections are kept: an embedded DynamoDB, a Redis that runs already, or this process's memory. */
  readonly layer: DevLayer
  /** Where that Redis is. */
  readonly redisUrl: string
  /** Whether frames of one connection are handled at the same time, or one after the other, through a FIFO queue. */
  readonly ordering: DevOrdering
  /** No line per connection. */
  readonly quiet: boolean
}

/** How frames of one connection are handled. */
export type DevOrdering = (typeof ORDERINGS)[number]

/** The channel layers that the dev command can run on. */
export type DevLayer = (typeof LAYERS)[number]

export const devHelp: string = `Serves the chat of examples/chat through the Lambda functions of functions/, behind a local API Gateway.

Usage: npm run dev -- [options]

  --port <number>            port to listen on, 0 for a free one (default 8000)
  --host <name or address>   address to listen on (default 127.0.0.1)
  --layer dynamodb|redis|memory
                             where groups and connections are kept (default dynamodb)
                             dynamodb: the production code on an embedded store, functions in isolated containers
                             redis: the same on a Redis or Valkey server that you have started
                             memory: this process's memory, functions in this process; sources do not reload
  --redis-url <url>          where that server is (default ${DEFAULT_REDIS_URL})
  --ordering parallel|serial frames of one connection: at the same time, each by itself, or one after the other
                             (default parallel)
  --quiet                    no line per connection
  --help                     this text
`

/**
 * Reads the command line of the dev command; `'help'` if that is all it asks for.
 *
 * @throws {@link ConfigurationError} in one sentence, naming the argument, its value and the rule
 */
export function parseDevOptions(args: readonly string[]): DevOptions | 'help' {
  const values = readArguments(args)
  if (values.help) return 'help'
  return {
    port: portOf(values.port),
    host: hostOf(values.host),
    layer: layerOf(values.layer),
    redisUrl: redisUrlOf(values),
    ordering: orderingOf(values.ordering),
    quiet: values.quiet,
  }
}

interface ArgumentValues {
  readonly port: string
  readonly host: string
  readonly layer: string
  readonly 'redis-url'?: string
  readonly ordering: string
  readonly quiet: boolean
  readonly help: boolean
}

function readArguments(args: readonly string[]): ArgumentValues {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        port: { type: 'string', default: '8000' },
        host: { type: 'string', default: '127.0.0.1' },
        layer: { type: 'string', default: 'dynamodb' },
        'redis-url': { type: 'string' },
        ordering: { type: 'string', default: 'parallel' },
        quiet: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    // Node's text goes on for several sentences about how to quote; the first says what is wrong.
    const [problem] = String(error instanceof Error ? error.message : error).split(/\.(?:\s|$)/)
    throw new ConfigurationError(`${problem}: ${remedyFor(error)}`, { cause: error })
  }
}

/** npm keeps every option that stands before `--` to itself, and passes on only what was its value. */
function remedyFor(error: unknown): string {
  const { code } = error as { readonly code?: unknown }
  return code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL'
    ? 'options go after --, as in npm run dev -- --port 8301; --help lists them'
    : '--help lists what there is'
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new ConfigurationError(`--port is "${text}": use a number from 0 to 65535`)
}

function hostOf(text: string): string {
  if (/^[\w.:-]+$/.test(text)) return text
  throw new ConfigurationError(`--host is "${text}": use a host name or an IP address, such as 127.0.0.1`)
}

function layerOf(text: string): DevLayer {
  const layer = LAYERS.find((known) => known === text)
  if (layer) return layer
  throw new ConfigurationError(`--layer is "${text}": use dynamodb, redis or memory`)
}

function orderingOf(text: string): DevOrdering {
  const ordering = ORDERINGS.find((known) => known === text)
  if (ordering) return ordering
  throw new ConfigurationError(`--ordering is "${text}": use parallel or serial`)
}

function redisUrlOf({ layer, 'redis-url': url = DEFAULT_REDIS_URL }: ArgumentValues): string {
  if (url !== DEFAULT_REDIS_URL && layer !== 'redis') {
    throw new ConfigurationError(
      `--redis-url without --layer redis: --layer is "${layer}", so add --layer redis`,
    )
  }
  if (/^rediss?:\/\/./.test(url) && URL.canParse(url)) return url
  // It is not shown, for there may be a password in it.
  throw new ConfigurationError(
    `--redis-url is no URL of a redis server: use one such as ${DEFAULT_REDIS_URL}`,
  )
}
