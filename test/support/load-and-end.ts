import { httpTransport } from '../../shared/backends/dynamodb/http-transport.ts'

// Run as a program: makes two calls, the second over the socket that the first has left idle, prints the last
// answer, and then has nothing more to do.
const ca = process.env['TEST_CA']
const transport = httpTransport({
  endpoint: process.argv[2] ?? '',
  region: 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'any', secretAccessKey: 'any' }),
  timeoutMs: 10_000,
  ...(ca ? { tls: { ca } } : {}),
})
const { signal } = new AbortController()
const load = (): Promise<object> => transport.GetItem({ TableName: 'any', Key: {} }, { abortSignal: signal })
await load()
process.stdout.write(JSON.stringify(await load()))
