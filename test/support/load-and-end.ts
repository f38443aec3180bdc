import { httpTransport } from '../../shared/backends/dynamodb/http-transport.ts'

const ca = process.env['TEST_CA']

/** Makes one call to the endpoint it is given, prints the answer, and leaves the transport as it is. */
const transport = httpTransport({
  endpoint: process.argv[2] ?? '',
  region: 'eu-west-1',
  credentials: async () => ({ accessKeyId: 'any', secretAccessKey: 'any' }),
  timeoutMs: 30_000,
  ...(ca ? { tls: { ca } } : {}),
})
const { signal } = new AbortController()
process.stdout.write(
  JSON.stringify(await transport.GetItem({ TableName: 'any', Key: {} }, { abortSignal: signal })),
)
