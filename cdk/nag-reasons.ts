import { Stack, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/**
 * Accepts a finding of cdk-nag on `construct` and what is below it, for a reason that an auditor can read.
 *
 * @param id - as cdk-nag names it: `AwsSolutions-VPC7`; of a rule that lists its findings, one of them:
 *   `AwsSolutions-IAM4[Policy::…]`
 */
export function acceptFinding(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason })
}

/** Accepts that a policy of `construct` has a resource with `*` in its name. */
export function acceptWildcard(construct: IConstruct, resource: string, reason: string): void {
  const name = asText(Stack.of(construct).resolve(resource))
  acceptFinding(construct, `AwsSolutions-IAM5[Resource::${name}]`, reason)
}

/** CloudFormation's functions as cdk-nag writes them: `arn:<AWS::Partition>:sqs:…` */
function asText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const { Ref: ref, 'Fn::Join': join, 'Fn::GetAtt': attribute } = value as Readonly<Record<string, unknown>>
  if (Array.isArray(join)) return (join[1] as unknown[]).map(asText).join(String(join[0]))
  return `<${Array.isArray(attribute) ? attribute.join('.') : String(ref)}>`
}
