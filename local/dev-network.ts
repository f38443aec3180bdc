import { networkInterfaces } from 'node:os'

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** The addresses under which other machines reach a server that listens on `host`, apart from `host` itself. */
export function networkUrls(host: string, port: number): readonly string[] {
  if (!EVERY_ADDRESS.has(host)) return []
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `http://${address}:${port}/`)
}

/** The hosts of the pages of a server that listens on `host`: this machine, and what it is reached under. */
export function pageHosts(host: string): readonly string[] {
  const listened = `http://${host.includes(':') ? `[${host}]` : host}/`
  const hosts = [listened, ...networkUrls(host, 0)].map((url) => new URL(url).hostname)
  return ['.localhost', '127.0.0.1', '[::1]', ...hosts]
}

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
