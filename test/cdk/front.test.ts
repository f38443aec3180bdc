import { App, Stack, type StackProps } from 'aws-cdk-lib'
import { HttpApi, WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { HostedZone, type IHostedZone } from 'aws-cdk-lib/aws-route53'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { expect, test } from 'vitest'
import { ChannelsFront, type ChannelsFrontProps } from '../../cdk/front.ts'
import { FRONT_PATHS_CODE } from '../../cdk/front-paths.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import { nagFindings } from '../support/nag-findings.ts'

const ACCOUNT = '111111111111'
const virginia = { env: { account: ACCOUNT, region: 'us-east-1' } }
const ireland = { env: { account: ACCOUNT, region: 'eu-west-1' } }
const CERTIFICATE = `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/0f0f0f0f`
const ACL = `arn:aws:wafv2:us-east-1:${ACCOUNT}:global/webacl/chat/0f0f`

const DISTRIBUTION = 'AWS::CloudFront::Distribution'
/** The ids of AWS's own policies. */
const CACHING_DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad'
const ALL_VIEWER_EXCEPT_HOST_HEADER = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

type Options = Omit<ChannelsFrontProps, 'stage' | 'httpApi'>

function addFront(
  stack: Stack,
  options: Options | ((stack: Stack) => Options) = {},
  {
    hasHttp = true,
    sockets = new WebSocketApi(stack, 'Sockets'),
  }: { readonly hasHttp?: boolean; readonly sockets?: WebSocketApi } = {},
): ChannelsFront {
  const stage = new WebSocketStage(stack, 'Stage', {
    webSocketApi: sockets,
    stageName: 'prod',
    autoDeploy: true,
  })
  return new ChannelsFront(stack, 'Front', {
    stage,
    ...(hasHttp ? { httpApi: new HttpApi(stack, 'Views') } : {}),
    ...(typeof options === 'function' ? options(stack) : options),
  })
}

function synth(
  options: Parameters<typeof addFront>[1] = {},
  { hasHttp = true, ...props }: StackProps & { readonly hasHttp?: boolean } = virginia,
): { readonly template: Template; readonly front: ChannelsFront } {
  const stack = new Stack(new App(), 'Stack', props)
  const front = addFront(stack, options, { hasHttp })
  return { front, template: Template.fromStack(stack) }
}

function configOf(template: Template): Record<string, unknown> {
  return Object.values(template.findResources(DISTRIBUTION))[0]?.['Properties'].DistributionConfig
}

const executeApi = (region: string): unknown => ({
  'Fn::Join': ['', [{ Ref: Match.anyValue() }, `.execute-api.${region}.`, { Ref: 'AWS::URLSuffix' }]],
})

const zone = (stack: Stack): IHostedZone =>
  HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' })

test('pages and requests are the default, sockets are below /ws/, and no cache stands before either', () => {
  const { template } = synth()

  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: {
      DefaultCacheBehavior: {
        AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
        CachePolicyId: CACHING_DISABLED,
        OriginRequestPolicyId: ALL_VIEWER_EXCEPT_HOST_HEADER,
        ViewerProtocolPolicy: 'redirect-to-https',
        FunctionAssociations: Match.absent(),
      },
      CacheBehaviors: [
        {
          PathPattern: '/ws/*',
          AllowedMethods: ['GET', 'HEAD'],
          CachePolicyId: CACHING_DISABLED,
          OriginRequestPolicyId: ALL_VIEWER_EXCEPT_HOST_HEADER,
          ViewerProtocolPolicy: 'https-only',
          FunctionAssociations: [{ EventType: 'viewer-request' }],
        },
      ],
      HttpVersion: 'http2and3',
      IPV6Enabled: true,
    },
  })
})

test('both origins are API Gateway by its own hosts, with TLS 1.2, and sockets go to their stage', () => {
  const { template } = synth()

  const { Origins } = configOf(template) as { readonly Origins: readonly Record<string, unknown>[] }
  const [views, sockets] = Origins
  expect(Origins).toHaveLength(2)
  expect(views?.['OriginPath']).toBeUndefined()
  expect(sockets?.['OriginPath']).toBe('/prod')
  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: {
      Origins: Match.arrayWith([
        Match.objectLike({
          DomainName: executeApi('us-east-1'),
          CustomOriginConfig: { OriginProtocolPolicy: 'https-only', OriginSSLProtocols: ['TLSv1.2'] },
        }),
      ]),
    },
  })
})

test('the function is deployed as it is tested', () => {
  const { template } = synth()

  template.hasResourceProperties('AWS::CloudFront::Function', {
    AutoPublish: true,
    FunctionCode: FRONT_PATHS_CODE,
    FunctionConfig: { Runtime: 'cloudfront-js-2.0' },
  })
})

test('without an HTTP side every path is a socket’s', () => {
  const { template } = synth({}, { ...virginia, hasHttp: false })

  const { Origins, CacheBehaviors } = configOf(template)
  expect(Origins).toHaveLength(1)
  expect(CacheBehaviors).toBeUndefined()
  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: {
      DefaultCacheBehavior: {
        ViewerProtocolPolicy: 'https-only',
        FunctionAssociations: [{ EventType: 'viewer-request' }],
      },
    },
  })
})

test('several socket paths share one origin and one function, in the order they are given', () => {
  const { template } = synth({ socketPaths: ['/ws/*', '/live'] })

  const { CacheBehaviors, Origins } = configOf(template) as Record<
    string,
    { readonly PathPattern?: string }[]
  >
  expect(CacheBehaviors?.map(({ PathPattern }) => PathPattern)).toEqual(['/ws/*', '/live'])
  expect(Origins).toHaveLength(2)
  template.resourceCountIs('AWS::CloudFront::Function', 1)
})

test('a cached path is kept as long as its response says, the same for everybody', () => {
  const { template } = synth({ cachedPaths: ['/static/*'] })

  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: {
      CacheBehaviors: Match.arrayWith([
        Match.objectLike({
          PathPattern: '/static/*',
          Compress: true,
          OriginRequestPolicyId: Match.absent(),
          CachePolicyId: { Ref: Match.anyValue() },
        }),
      ]),
    },
  })
  template.hasResourceProperties('AWS::CloudFront::CachePolicy', {
    CachePolicyConfig: {
      MinTTL: 0,
      DefaultTTL: 0,
      ParametersInCacheKeyAndForwardedToOrigin: {
        CookiesConfig: { CookieBehavior: 'none' },
        HeadersConfig: { HeaderBehavior: 'none' },
        QueryStringsConfig: { QueryStringBehavior: 'all' },
      },
    },
  })
})

test('the host is CloudFront’s, and the function behind the sockets may know it', () => {
  const stack = new Stack(new App(), 'Stack', virginia)
  const sockets = new WebSocketApi(stack, 'Sockets')
  const front = addFront(stack, {}, { sockets })
  const code = Code.fromInline('export const handler = async () => ({ statusCode: 200 })')
  const handler = new LambdaFunction(stack, 'Handler', {
    code,
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    environment: { CHANNELS_ALLOWED_HOSTS: front.host },
  })
  const integration = new WebSocketLambdaIntegration('Integration', handler)
  sockets.addRoute('$connect', { integration })

  // Throws if resources wait for each other in a circle.
  const template = Template.fromStack(stack)

  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: {
      Variables: { CHANNELS_ALLOWED_HOSTS: { 'Fn::GetAtt': [Match.anyValue(), 'DomainName'] } },
    },
  })
  expect(front.url).toBe(`https://${front.host}`)
  expect(front.websocketUrl).toBe(`wss://${front.host}`)
})

test('a name of one’s own in a hosted zone gets a certificate, both records, and TLS 1.2', () => {
  const { template, front } = synth((stack) => ({
    domainName: { name: 'chat.example.com', hostedZone: zone(stack) },
  }))

  expect(front.host).toBe('chat.example.com')
  expect(front.websocketUrl).toBe('wss://chat.example.com')
  template.hasResourceProperties('AWS::CertificateManager::Certificate', {
    DomainName: 'chat.example.com',
    ValidationMethod: 'DNS',
    DomainValidationOptions: [{ DomainName: 'chat.example.com', HostedZoneId: 'Z1' }],
  })
  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: {
      Aliases: ['chat.example.com'],
      ViewerCertificate: { MinimumProtocolVersion: 'TLSv1.2_2021', SslSupportMethod: 'sni-only' },
    },
  })
  for (const Type of ['A', 'AAAA']) {
    template.hasResourceProperties('AWS::Route53::RecordSet', {
      Name: 'chat.example.com.',
      Type,
      HostedZoneId: 'Z1',
      AliasTarget: { DNSName: { 'Fn::GetAtt': [Match.anyValue(), 'DomainName'] } },
    })
  }
})

test('a certificate of us-east-1 serves a stack in another region, and without a zone no record is made', () => {
  const { template } = synth(
    (stack) => ({
      domainName: {
        name: 'chat.example.com',
        certificate: Certificate.fromCertificateArn(stack, 'Given', CERTIFICATE),
      },
    }),
    ireland,
  )

  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: { ViewerCertificate: { AcmCertificateArn: CERTIFICATE } },
  })
  template.resourceCountIs('AWS::Route53::RecordSet', 0)
  template.resourceCountIs('AWS::CertificateManager::Certificate', 0)
})

test.each([
  ['another region', ireland, 'is in eu-west-1,'],
  ['a region that is not known', {}, 'is in a region that is not known at synth,'],
])('a certificate cannot be made in %s', (_where, props, words) => {
  const build = (): unknown =>
    synth((stack) => ({ domainName: { name: 'chat.example.com', hostedZone: zone(stack) } }), props)

  expect(build).toThrow(ConfigurationError)
  expect(build).toThrow(words)
  expect(build).toThrow("set env: { region: 'us-east-1' } on the stack, or make the certificate there")
})

test('a certificate of another region is refused', () => {
  const build = (): unknown =>
    synth(
      (stack) => ({
        domainName: {
          name: 'chat.example.com',
          certificate: Certificate.fromCertificateArn(
            stack,
            'Given',
            CERTIFICATE.replace('us-east', 'us-west'),
          ),
        },
      }),
      ireland,
    )

  expect(build).toThrow(
    'the certificate of domainName "chat.example.com" is in us-west-1, and CloudFront takes those of us-east-1 only: make one there',
  )
})

test('a web ACL and a bucket for logs are the user’s', () => {
  const { template } = synth((stack) => ({
    webAclId: ACL,
    logBucket: Bucket.fromBucketName(stack, 'Logs', 'logs'),
  }))

  template.hasResourceProperties(DISTRIBUTION, {
    DistributionConfig: {
      WebACLId: ACL,
      Logging: { Bucket: Match.anyValue() },
    },
  })
})

test.each<[Options, string]>([
  [{ socketPaths: [] }, 'front.socketPaths is empty: name a path that sockets are at, such as "/ws/*"'],
  [{ socketPaths: ['ws/*'] }, 'front.socketPaths has "ws/*": begin with "/"'],
  [{ cachedPaths: ['/a b'] }, 'front.cachedPaths has "/a b": begin with "/", and use letters, digits and'],
  [{ socketPaths: ['/ws/*', '/ws/*'] }, 'front.socketPaths has "/ws/*" twice: name each path once'],
  [{ cachedPaths: ['/ws/*'] }, 'front.cachedPaths and front.socketPaths both have "/ws/*"'],
  [{ webAclId: 'chat' }, 'front.webAclId is "chat": use the ARN of a web ACL with scope CLOUDFRONT'],
  [{ webAclId: ACL.replace('global', 'regional') }, 'with scope CLOUDFRONT'],
])('wrong options %j are refused', (options, message) => {
  expect(() => synth(options)).toThrow(ConfigurationError)
  expect(() => synth(options)).toThrow(message)
})

test.each<[Options, string]>([
  [
    { socketPaths: ['/ws/*'] },
    'front.socketPaths is ["/ws/*"], and there is no HTTP side: without one every path is a socket',
  ],
  [{ cachedPaths: ['/static/*'] }, 'front.cachedPaths is ["/static/*"], and there is no HTTP side'],
])('without an HTTP side paths have nothing to choose between: %j', (options, message) => {
  expect(() => synth(options, { ...virginia, hasHttp: false })).toThrow(message)
})

test.each<[string, (stack: Stack) => Options]>([
  ['as it is', () => ({})],
  [
    'with everything',
    (stack) => ({
      cachedPaths: ['/static/*'],
      webAclId: ACL,
      logBucket: Bucket.fromBucketName(stack, 'Logs', 'logs'),
      domainName: { name: 'chat.example.com', hostedZone: zone(stack) },
    }),
  ],
])('cdk-nag finds nothing in a front %s', (_what, options) => {
  const findings = nagFindings((stack) => void addFront(stack, options), virginia)

  expect(findings.filter((finding) => finding.includes('/Front/'))).toEqual([])
  // That of the test's own API: the rules did run.
  expect(findings).toContain('AwsSolutions-APIG1 Stack/Stage/Resource')
})
