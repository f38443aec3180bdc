import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Template } from 'aws-cdk-lib/assertions'
import { runViewerRequest, split } from './cloudfront-function.ts'

/** Managed policies, by their ids: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html */
const ALL_VIEWER_EXCEPT_HOST_HEADER = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

interface Behavior {
  readonly PathPattern?: string
  readonly TargetOriginId: string
  readonly AllowedMethods: readonly string[]
  readonly OriginRequestPolicyId?: string
  readonly FunctionAssociations?: readonly {
    readonly FunctionARN: { readonly 'Fn::GetAtt': readonly string[] }
  }[]
}

interface DistributionConfig {
  readonly DefaultCacheBehavior: Behavior
  readonly CacheBehaviors?: readonly Behavior[]
  readonly Origins: readonly {
    readonly Id: string
    readonly DomainName: object
    readonly OriginPath?: string
  }[]
}

/** Where the APIs of the template really are: `http://127.0.0.1:{port}`, by their protocol. */
export type Behind = Readonly<Record<'HTTP' | 'WEBSOCKET', string>>

/** A CloudFront on loopback. */
export interface TestCloudFront extends AsyncDisposable {
  /** `http://127.0.0.1:{port}` */
  readonly url: string
  /** `127.0.0.1:{port}` */
  readonly host: string
}

/**
 * Serves the one distribution of `template` on loopback: its path patterns, its function, its origins, and which headers
 * go to them. TLS, caches, logs and everything else are left out.
 */
export async function startCloudFront(template: Template, behind: Behind): Promise<TestCloudFront> {
  const distribution = new Rules(template, behind)
  const sockets = new Set<Socket>()
  const server = createServer((viewer, response) => serve(distribution, viewer, response))
  server.on('upgrade', (viewer, socket) => upgrade(distribution, viewer, socket))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a template says about a request. */
class Rules {
  readonly #resources: Readonly<Record<string, { readonly Properties: Record<string, unknown> }>>
  readonly #config: DistributionConfig
  readonly #behind: Behind

  constructor(template: Template, behind: Behind) {
    this.#resources = template.toJSON()['Resources']
    const [distribution] = Object.values(template.findResources('AWS::CloudFront::Distribution'))
    this.#config = distribution?.['Properties'].DistributionConfig
    this.#behind = behind
  }

  /** Where a request goes and with which headers; undefined if its method is not allowed. */
  toOrigin(viewer: IncomingMessage): { readonly url: string; readonly headers: string[] } | undefined {
    const target = viewer.url ?? '/'
    const behavior = this.#behaviorOf(target)
    if (!behavior.AllowedMethods.includes(viewer.method ?? 'GET')) return undefined
    const origin = this.#config.Origins.find(({ Id }) => Id === behavior.TargetOriginId)
    const api = /"Ref":"(\w+)"/.exec(JSON.stringify(origin?.DomainName))?.[1] ?? ''
    const base = this.#behind[this.#resources[api]?.Properties['ProtocolType'] as keyof Behind]
    return {
      url: `${base}${origin?.OriginPath ?? ''}${this.#rewritten(target, behavior)}`,
      headers: headersFor(viewer, behavior.OriginRequestPolicyId, new URL(base).host),
    }
  }

  /** The first pattern that matches wins. Matched is the path without dots; sent on is the one of the viewer. */
  #behaviorOf(target: string): Behavior {
    const { pathname } = new URL(split(target).path, 'http://viewer')
    const first = this.#config.CacheBehaviors?.find(({ PathPattern }) => matches(PathPattern ?? '', pathname))
    return first ?? this.#config.DefaultCacheBehavior
  }

  #rewritten(target: string, { FunctionAssociations: [association] = [] }: Behavior): string {
    const id = association?.FunctionARN['Fn::GetAtt'][0]
    return id === undefined
      ? target
      : runViewerRequest(String(this.#resources[id]?.Properties['FunctionCode']), target)
  }
}

function matches(pattern: string, path: string): boolean {
  const source = pattern
    .replaceAll(/[.$+&'"@:~/]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(path)
}

/** Without an origin request policy no header of the viewer reaches the origin that tells who it is. */
function headersFor(viewer: IncomingMessage, policy: string | undefined, host: string): string[] {
  const all = policy === ALL_VIEWER_EXCEPT_HOST_HEADER
  if (policy !== undefined && !all) throw new Error(`no double for the origin request policy ${policy}`)
  const sent: string[] = ['Host', host]
  const forwardedFor = [viewer.headers['x-forwarded-for'], viewer.socket.remoteAddress].filter(Boolean)
  sent.push('X-Forwarded-For', forwardedFor.join(', '))
  for (let index = 0; index < viewer.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = viewer.rawHeaders.slice(index, index + 2)
    const isOurs = /^(?:host|x-forwarded-for)$/i.test(name)
    if (!isOurs && (all || /^(?:accept-encoding|connection)$/i.test(name))) sent.push(name, value)
  }
  return sent
}

function serve(rules: Rules, viewer: IncomingMessage, response: ServerResponse): void {
  const origin = rules.toOrigin(viewer)
  if (origin === undefined) return void response.writeHead(403).end()
  const upstream = request(
    origin.url,
    { agent: false, method: viewer.method, headers: origin.headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    },
  )
  upstream.on('error', () => response.destroy())
  viewer.pipe(upstream)
}

function upgrade(rules: Rules, viewer: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => socket.destroy())
  const origin = rules.toOrigin(viewer)
  if (origin === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
  const upstream = request(origin.url, { agent: false, method: viewer.method, headers: origin.headers })
  upstream.on('error', () => socket.destroy())
  upstream.on('upgrade', (answer, back, head) => {
    socket.write(headOf(answer, answer.rawHeaders))
    socket.write(head)
    socket.pipe(back).pipe(socket)
    back.on('error', () => socket.destroy())
    back.on('close', () => socket.destroy())
    socket.on('close', () => back.destroy())
  })
  upstream.on('response', (answer) => {
    socket.write(headOf(answer, ['Connection', 'close']))
    answer.pipe(socket)
  })
  upstream.end()
}

function headOf({ statusCode, statusMessage }: IncomingMessage, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let index = 0; index < headers.length; index += 2)
    lines.push(`${headers[index]}: ${headers[index + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
