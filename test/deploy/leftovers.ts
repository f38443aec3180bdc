import { DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb'
import { paginateListQueues, SQSClient } from '@aws-sdk/client-sqs'
import { referenceSignature } from '../support/reference-signature.ts'
import { STACK_NAME } from './cdk.ts'

/** Names of the tables, queues and functions whose name begins with the stack's: all of the stack's, and no other's. */
export async function resourcesOfStack(): Promise<readonly string[]> {
  const names = await Promise.all([tableNames(), queueNames(), functionNames()])
  return names.flat().filter((name) => name.startsWith(`${STACK_NAME}-`))
}

async function tableNames(): Promise<readonly string[]> {
  const client = new DynamoDBClient({})
  const names: string[] = []
  for await (const { TableNames = [] } of paginateListTables({ client }, {})) names.push(...TableNames)
  client.destroy()
  return names
}

async function queueNames(): Promise<readonly string[]> {
  const client = new SQSClient({})
  const names: string[] = []
  const pages = paginateListQueues({ client, pageSize: 1000 }, { QueueNamePrefix: STACK_NAME })
  for await (const { QueueUrls = [] } of pages) {
    names.push(...QueueUrls.map((url) => url.slice(url.lastIndexOf('/') + 1)))
  }
  client.destroy()
  return names
}

interface FunctionPage {
  readonly Functions: readonly { readonly FunctionName: string }[]
  readonly NextMarker?: string | null
}

async function functionNames(): Promise<readonly string[]> {
  const names: string[] = []
  let marker: string | null | undefined = ''
  while (typeof marker === 'string') {
    const query: string = marker === '' ? '' : `?Marker=${encodeURIComponent(marker)}`
    const page: FunctionPage = (await getLambda(`/2015-03-31/functions/${query}`)) as FunctionPage
    names.push(...page.Functions.map(({ FunctionName }) => FunctionName))
    marker = page.NextMarker || undefined
  }
  return names
}

/** Asks Lambda, without its client: this is the only call of it. */
async function getLambda(path: string): Promise<unknown> {
  const { config } = new DynamoDBClient({})
  const [region, credentials] = await Promise.all([config.region(), config.credentials()])
  const url = new URL(path, process.env['AWS_ENDPOINT_URL'] ?? `https://lambda.${region}.amazonaws.com`)
  const nowMs = Date.now()
  const headers = {
    host: url.host,
    'x-amz-date': new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  }
  const request = { service: 'lambda', region, method: 'GET', path, headers, body: '', credentials, nowMs }
  const authorization = await referenceSignature(request)
  const { host: _host, ...sent } = headers
  const response = await fetch(url, { headers: { ...sent, authorization } })
  if (!response.ok) throw new Error(`Lambda answered ${response.status}: ${await response.text()}`)
  return await response.json()
}
