/** What differs from `GET /` without a body. */
export interface HttpEventFields {
  readonly method?: string
  /** As API Gateway gives it: decoded. */
  readonly path?: string
  readonly queryString?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly stage?: string
  readonly domainName?: string
  readonly authorizer?: object
}

const BARE = {
  method: 'GET',
  path: '/',
  queryString: '',
  headers: {},
  cookies: undefined,
  body: undefined,
  isBase64Encoded: false,
  stage: '$default',
  domainName: 'abc123.execute-api.eu-west-1.amazonaws.com',
  authorizer: undefined,
} as const

/** An event of an HTTP API with payload format 2.0, with all fields that AWS documents. */
export function httpEvent(fields: HttpEventFields = {}): object {
  const { method, path, queryString, headers, cookies, stage, domainName, authorizer, ...body } = {
    ...BARE,
    ...fields,
  }
  const rawPath = stage === '$default' ? path : `/${stage}${path}`
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: queryString,
    cookies,
    headers: { host: domainName, 'x-forwarded-proto': 'https', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'abc123',
      authorizer,
      domainName,
      domainPrefix: 'abc123',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage,
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1_773_342_238_000,
    },
    ...body,
  }
  // Without the keys that have no value.
  return JSON.parse(JSON.stringify(event)) as object
}
