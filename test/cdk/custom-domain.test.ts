import { App, Stack, type StackProps, Token } from 'aws-cdk-lib'
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { HostedZone } from 'aws-cdk-lib/aws-route53'
import { expect, test } from 'vitest'
import type { DomainNameOptions } from '../../cdk/custom-domain.ts'
import { SocketDomain } from '../../cdk/socket-domain.ts'
import { ConfigurationError } from '../../shared/errors.ts'
import { nagFindings } from '../support/nag-findings.ts'

const ireland = { env: { account: '111111111111', region: 'eu-west-1' } }
const certificateOf = (region: string): string => `arn:aws:acm:${region}:111111111111:certificate/0f0f0f0f`

interface Given {
  readonly name?: string
  readonly zoneName?: string
  readonly certificateArn?: string
}

function addDomain(
  stack: Stack,
  { name = 'sockets.example.com', zoneName, certificateArn }: Given,
): SocketDomain {
  const stage = new WebSocketStage(stack, 'Stage', {
    webSocketApi: new WebSocketApi(stack, 'Sockets'),
    stageName: 'prod',
    autoDeploy: true,
  })
  const options: DomainNameOptions = {
    name,
    ...(zoneName !== undefined && {
      hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName }),
    }),
    ...(certificateArn !== undefined && {
      certificate: Certificate.fromCertificateArn(stack, 'Given', certificateArn),
    }),
  }
  return new SocketDomain(stack, 'Domain', { ...options, stage })
}

function synth(
  given: Given,
  props: StackProps = ireland,
): { readonly template: Template; readonly domain: SocketDomain } {
  const stack = new Stack(new App(), 'Stack', props)
  const domain = addDomain(stack, given)
  return { domain, template: Template.fromStack(stack) }
}

test('a name in a hosted zone leads to the stage of the sockets, with a certificate and TLS 1.2', () => {
  const { template, domain } = synth({ zoneName: 'example.com' })

  expect(domain.host).toBe('sockets.example.com')
  expect(domain.websocketUrl).toBe('wss://sockets.example.com')
  template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
    DomainName: 'sockets.example.com',
    DomainNameConfigurations: [
      {
        CertificateArn: { Ref: Match.anyValue() },
        EndpointType: 'REGIONAL',
        SecurityPolicy: 'TLS_1_2',
      },
    ],
  })
  template.hasResourceProperties('AWS::CertificateManager::Certificate', {
    DomainName: 'sockets.example.com',
    ValidationMethod: 'DNS',
  })
  template.hasResourceProperties('AWS::Route53::RecordSet', {
    Name: 'sockets.example.com.',
    Type: 'A',
    AliasTarget: { DNSName: { 'Fn::GetAtt': [Match.anyValue(), 'RegionalDomainName'] } },
  })
  template.resourceCountIs('AWS::Route53::RecordSet', 1)
})

test('the mapping waits for its stage, and has no key', () => {
  const { template } = synth({ zoneName: 'example.com' })

  const [stage] = Object.keys(template.findResources('AWS::ApiGatewayV2::Stage'))
  template.hasResource('AWS::ApiGatewayV2::ApiMapping', {
    Properties: { Stage: 'prod', ApiMappingKey: Match.absent() },
    DependsOn: Match.arrayWith([stage]),
  })
})

test('with a certificate alone, the record is left to the user, who learns where it has to lead', () => {
  const { template, domain } = synth({ certificateArn: certificateOf('eu-west-1') })

  template.resourceCountIs('AWS::Route53::RecordSet', 0)
  template.resourceCountIs('AWS::CertificateManager::Certificate', 0)
  expect(Token.isUnresolved(domain.aliasTarget)).toBe(true)
})

test.each([
  ['example.com', 'example.com'],
  ['example.com.', 'a.b.example.com'],
  ['xn--bcher-kva.example', 'chat.xn--bcher-kva.example'],
])('the zone %s has %s', (zoneName, name) => {
  const { template } = synth({ zoneName, name })

  template.hasResourceProperties('AWS::Route53::RecordSet', { Name: `${name}.` })
})

test.each([
  'https://chat.example.com',
  'chat.example.com/',
  'chat.example.com:443',
  '*.example.com',
  'Chat.example.com',
  'chat.example.com.',
  'chat',
  'bücher.example',
  '-a.example.com',
  'chat_room.example.com',
  '127.0.0.1',
  `${'a.'.repeat(126)}example`,
  '',
])('the name %j is refused', (name) => {
  const build = (): unknown => synth({ name, zoneName: 'example.com' })

  expect(build).toThrow(ConfigurationError)
  expect(build).toThrow(
    `domainName.name is ${JSON.stringify(name)}: use a whole host name in lower case, such as "chat.example.com"`,
  )
})

test.each(['chat.example.org', 'notexample.com'])('a name outside its zone is refused: %s', (name) => {
  expect(() => synth({ name, zoneName: 'example.com' })).toThrow(
    `domainName "${name}" is not in the hosted zone "example.com": use a name that is "example.com" or ends in ".example.com"`,
  )
})

test('a name with neither zone nor certificate is refused', () => {
  expect(() => synth({})).toThrow(ConfigurationError)
  expect(() => synth({})).toThrow(
    'domainName "sockets.example.com" has neither a hostedZone nor a certificate: give it the zone in Route 53',
  )
})

test('a certificate of another region is refused', () => {
  expect(() => synth({ certificateArn: certificateOf('us-east-1') })).toThrow(
    'the certificate of domainName "sockets.example.com" is in us-east-1, and API Gateway takes those of eu-west-1 only: make one there',
  )
})

test('what is known only when it is deployed is let through', () => {
  const { template } = synth({ zoneName: 'example.com' }, {})
  const { template: withCertificate } = synth({ certificateArn: certificateOf('us-east-1') }, {})

  template.resourceCountIs('AWS::ApiGatewayV2::DomainName', 1)
  withCertificate.resourceCountIs('AWS::ApiGatewayV2::DomainName', 1)
})

test('cdk-nag finds nothing in a domain', () => {
  const findings = nagFindings((stack) => void addDomain(stack, { zoneName: 'example.com' }), ireland)

  expect(findings.filter((finding) => finding.includes('/Domain/'))).toEqual([])
  expect(findings).toContain('AwsSolutions-APIG1 Stack/Stage/Resource')
})
