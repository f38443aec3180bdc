import { StoreError } from '../../errors.ts'

/** What was being done when Redis failed. */
export interface FailureContext {
  /** Such as `load connection "abc="`. */
  readonly attempt: string
  /** Such as `redis at 127.0.0.1:6379`. */
  readonly server: string
  /** How long the call was given with all its tries, in milliseconds. */
  readonly timeoutMs: number
  /** What the connection failed with last, where it is known. */
  readonly connectFailure?: unknown
}

/** No answer came: there was no connection, or it broke off, or the time was over. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The client was closed by who made it. */
export class ClientClosed extends Error {
  override readonly name = 'ClientClosed'
}

/** There are no AWS credentials to log in with. */
export class NoToken extends Error {
  override readonly name = 'NoToken'
}

interface Diagnosis {
  readonly text: string
  readonly isPassing: boolean
}

/** What there is to an error of Node or of ioredis. */
interface FailureFields extends Partial<NodeJS.ErrnoException> {
  /** Of a cluster none of whose nodes could be asked for the slots: what the node said that was asked last. */
  readonly lastNodeError?: unknown
  /** What the server refused, or did not answer. */
  readonly command?: { readonly name: string; args: readonly unknown[] }
}

const UNKNOWN_OUTCOME = 'a write may or may not have been made: call again'

/** What Redis answers with, by its first word. */
const ANSWERS: Readonly<Record<string, Diagnosis>> = {
  LOADING: passing('is still loading its data, nothing was done: call again later'),
  TRYAGAIN: passing('is moving a slot to another node, nothing was done: call again'),
  CLUSTERDOWN: passing('has no node for some slots, nothing was done: call again when the cluster is whole'),
  MASTERDOWN: passing('has lost its primary, nothing was done: call again'),
  READONLY: passing('is a replica by now, nothing was done: call again when the failover is over'),
  BUSY: passing('is kept busy by a script of somebody else, nothing was done: call again later'),
  OOM: passing('has no memory left, nothing was done: give it more, and maxmemory-policy noeviction'),
  MAXCLIENTS: passing('takes no more clients: limit the concurrency of the functions, or raise maxclients'),
  MOVED: lasting('is one node of a cluster: set cluster (in a URL, "?cluster=true")'),
  CROSSSLOT: lasting('is a cluster that cuts keys by other rules: remove what changes keys on the way'),
  NOAUTH: lasting('wants a password: set username and password'),
  WRONGPASS: lasting(
    'refuses this username and password: correct them; with iam, the role needs elasticache:Connect on the cache and the user, and credentials that have not expired, and the region and both names have to be right',
  ),
  NOPERM: lasting(
    'forbids this user a command or a key: allow it the keys of the prefix, and +@hash +@sortedset +@list +@string +@keyspace +@scripting +@connection (in a cluster also +cluster|slots)',
  ),
  WRONGTYPE: lasting('holds something else under this key: choose another prefix, or another database'),
}

/** Codes of a socket that cannot be had or breaks off. A certificate that is not trusted stays so. */
const NETWORK_CODE = /^(?:E(?!RR_)[A-Z_]+|ERR_(?:SOCKET|STREAM)_\w+)$/
const TLS_CODE = /CERT|SIGNATURE|ISSUER|^ERR_(?:TLS|SSL)_/

/** Says whether what failed so may succeed if it is tried again soon. */
export function isPassing(error: unknown): boolean {
  return diagnose(error).isPassing
}

/** Turns what ioredis threw into a {@link StoreError}. What is one of ours already stays as it is. */
export function redisFailure(error: unknown, context: FailureContext): StoreError {
  const { attempt, server, timeoutMs, connectFailure } = context
  if (error instanceof StoreError) return error
  const { text, isPassing: retryable } = diagnose(error)
  const reason = error instanceof NoAnswer && connectFailure !== undefined ? connectFailure : error
  hideArguments(reason)
  const said = reason instanceof ClientClosed ? '' : ` (${sayingOf(reason)}; at most ${timeoutMs} ms)`
  return new StoreError(`could not ${attempt}: ${server} ${text}${said}`, { retryable, cause: reason })
}

/**
 * ioredis shows a command that failed with its arguments: passwords, session keys, states and scopes, which must not get into
 * anybody's log.
 */
export function hideArguments(error: unknown): void {
  const { command, lastNodeError } = fieldsOf(error)
  if (command) command.args = []
  if (lastNodeError instanceof Error) hideArguments(lastNodeError)
}

function diagnose(error: unknown): Diagnosis {
  if (error instanceof ClientClosed) {
    return lasting('is not connected, for the client was closed: make a new client, or close it later')
  }
  if (error instanceof NoToken) {
    return lasting('was not asked, for there is nothing to log in with: correct iam.credentials')
  }
  const { lastNodeError, name, message = '', code } = fieldsOf(error)
  if (isTelling(lastNodeError)) return diagnose(lastNodeError)
  if (name === 'ReplyError') return diagnoseReply(message)
  if (typeof code === 'string' && TLS_CODE.test(code)) {
    return lasting(
      'was not trusted or speaks no TLS: check tls and its certificate, and whether the port is the TLS one',
    )
  }
  if (error instanceof NoAnswer || isConnectionFailure(name, message, code)) {
    return passing(
      `did not answer, ${UNKNOWN_OUTCOME}; is it there? start one, or correct its address, or choose another layer (in development --layer dynamodb)`,
    )
  }
  return lasting('failed, and calling again will not help')
}

/** Says whether a node has given a reason, for which another one would not have done better. */
function isTelling(nodeError: unknown): boolean {
  return nodeError instanceof NoToken || (nodeError instanceof Error && nodeError.name === 'ReplyError')
}

function diagnoseReply(message: string): Diagnosis {
  if (message.includes('max number of clients')) return ANSWERS['MAXCLIENTS'] ?? lasting('')
  // Redis 6 puts what happened in a script behind "ERR Error running script".
  const word = message.startsWith('ERR Error running script')
    ? Object.keys(ANSWERS).find((known) => message.includes(`${known} `))
    : message.split(' ', 1)[0]
  return ANSWERS[word ?? ''] ?? lasting('refused the command, nothing was done; calling again will not help')
}

function isConnectionFailure(name: string | undefined, message: string, code: unknown): boolean {
  if (typeof code === 'string' && NETWORK_CODE.test(code)) return true
  if (name === 'MaxRetriesPerRequestError' || name === 'AbortError' || name === 'ClusterAllFailedError')
    return true
  // ioredis has no class for these.
  return /^(Command timed out|Connection is closed|Socket timeout|Stream isn't writeable|Cluster isn't ready|None of startup nodes|Too many Cluster redirections|All sentinels are unreachable|connect ETIMEDOUT)/.test(
    message,
  )
}

function sayingOf(error: unknown): string {
  const { lastNodeError, name, message, code } = fieldsOf(error)
  if (lastNodeError !== undefined && lastNodeError !== null) return sayingOf(lastNodeError)
  return message?.trim() || (code ?? name ?? String(error))
}

/** Anything can be thrown, even nothing. */
function fieldsOf(error: unknown): FailureFields {
  return error ?? {}
}

function passing(text: string): Diagnosis {
  return { text, isPassing: true }
}

function lasting(text: string): Diagnosis {
  return { text, isPassing: false }
}
