import { Arn, ArnFormat, Stack, Token } from 'aws-cdk-lib'
import { Certificate, CertificateValidation, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager'
import {
  AaaaRecord,
  ARecord,
  type IAliasRecordTarget,
  type IHostedZone,
  RecordTarget,
} from 'aws-cdk-lib/aws-route53'
import { Construct } from 'constructs'
import { ConfigurationError } from '../shared/errors.ts'

/** A name of your own. At least one of `hostedZone` and `certificate` has to be there. */
export interface DomainNameOptions {
  /** Such as `chat.example.com`: in lower case, without scheme, port and path. */
  readonly name: string
  /**
   * The zone in Route 53 that the name is in. It gets the records that lead to the name's target and, without a
   * `certificate`, those that prove to Certificate Manager that the name is yours.
   *
   * @default - you make the record yourself
   */
  readonly hostedZone?: IHostedZone
  /**
   * A certificate for the name, in the region of the stack; in us-east-1 for a CloudFront front.
   *
   * @default - one is made, and renewed by AWS
   */
  readonly certificate?: ICertificate
}

/** Options of {@link CustomDomain}. */
export interface CustomDomainProps extends DomainNameOptions {
  /** Who shows the certificate. CloudFront takes only those of us-east-1. */
  readonly shownBy: 'CloudFront' | 'API Gateway'
}

const CLOUDFRONT_REGION = 'us-east-1'

/** A name, its certificate, and the records that lead to it. */
export class CustomDomain extends Construct {
  readonly name: string
  readonly certificate: ICertificate
  readonly #hostedZone: IHostedZone | undefined

  constructor(scope: Construct, id: string, props: CustomDomainProps) {
    super(scope, id)
    const { name, hostedZone, certificate, shownBy } = props
    requireDomainName(name)
    if (hostedZone) requireInZone(name, hostedZone.zoneName)
    const region = shownBy === 'CloudFront' ? CLOUDFRONT_REGION : Stack.of(this).region
    if (certificate) requireCertificateIn(region, certificate, props)
    this.name = name
    this.certificate = certificate ?? this.#newCertificate(region, props)
    this.#hostedZone = hostedZone
  }

  /** Has the name lead to `target`. Without a hosted zone nothing is made: the record is yours to make. */
  pointTo(target: IAliasRecordTarget, { ipv6 }: { readonly ipv6: boolean }): void {
    if (this.#hostedZone === undefined) return
    const record = {
      zone: this.#hostedZone,
      // With its last dot it is the whole name, also in a zone whose name is not known at synth.
      recordName: `${this.name}.`,
      target: RecordTarget.fromAlias(target),
    }
    new ARecord(this, 'A', record)
    if (ipv6) new AaaaRecord(this, 'Aaaa', record)
  }

  #newCertificate(region: string, { name, hostedZone, shownBy }: CustomDomainProps): ICertificate {
    if (hostedZone === undefined) {
      throw new ConfigurationError(
        `domainName "${name}" has neither a hostedZone nor a certificate: give it the zone in Route 53 that the name is in, and a certificate is made; or a certificate for it`,
      )
    }
    const { region: stackRegion } = Stack.of(this)
    if (shownBy === 'CloudFront' && stackRegion !== region) {
      const where = Token.isUnresolved(stackRegion) ? 'a region that is not known at synth' : stackRegion
      throw new ConfigurationError(
        `the stack of domainName "${name}" is in ${where}, and CloudFront takes certificates of ${region} only: set env: { region: '${region}' } on the stack, or make the certificate there in a stack of its own and give it as domainName.certificate`,
      )
    }
    return new Certificate(this, 'Certificate', {
      domainName: name,
      validation: CertificateValidation.fromDns(hostedZone),
    })
  }
}

/** Of labels with dots between them, as browsers write them: what is no ASCII begins with `xn--`. */
function requireDomainName(name: string): void {
  if (Token.isUnresolved(name)) return
  const isName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
  if (isName && name.length <= 253) return
  throw new ConfigurationError(
    `domainName.name is ${JSON.stringify(name)}: use a whole host name in lower case, such as "chat.example.com", without scheme, port, path and "*"`,
  )
}

function requireInZone(name: string, zoneName: string): void {
  if (Token.isUnresolved(name) || Token.isUnresolved(zoneName)) return
  const zone = zoneName.replace(/\.$/, '').toLowerCase()
  if (name === zone || name.endsWith(`.${zone}`)) return
  throw new ConfigurationError(
    `domainName "${name}" is not in the hosted zone "${zone}": use a name that is "${zone}" or ends in ".${zone}", or the zone that the name is in`,
  )
}

function requireCertificateIn(
  region: string,
  certificate: ICertificate,
  { name, shownBy }: CustomDomainProps,
): void {
  const { certificateArn } = certificate
  const actual = Token.isUnresolved(certificateArn)
    ? certificate.env.region
    : Arn.split(certificateArn, ArnFormat.SLASH_RESOURCE_NAME).region
  if (actual === undefined || Token.isUnresolved(actual) || Token.isUnresolved(region) || actual === region)
    return
  throw new ConfigurationError(
    `the certificate of domainName "${name}" is in ${actual}, and ${shownBy} takes those of ${region} only: make one there`,
  )
}
