import { RemovalPolicy, Token } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { layerVariables } from '../shared/environment/layer-environment.ts'
import { ConfigurationError } from '../shared/errors.ts'
import { PARTITION_KEY, SORT_KEY, TIME_TO_LIVE_ATTRIBUTE } from '../shared/backends/dynamodb/table.ts'
import type { LayerStore } from './layer-store.ts'
import { acceptFinding } from './nag-reasons.ts'

/** Options of {@link ChannelsTable}. */
export interface ChannelsTableProps {
  /**
   * A name for the table. CloudFormation cannot replace a table that it has not named itself, and refuses to create one
   * whose name is taken.
   *
   * @default - CloudFormation makes one
   */
  readonly tableName?: string
  /**
   * The key that encrypts the table.
   *
   * @default - the key of DynamoDB in your account, `aws/dynamodb`
   */
  readonly encryptionKey?: IKey
  /**
   * What happens to the table when the stack is destroyed. What is in it does not outlive the WebSocket API, but for
   * sessions.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy
}

/** What the stores do. `Scan` is for the command line tool, which has the rights of who runs it. */
const ACTIONS = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
]

/**
 * The table for connections, groups, sessions, tickets and rates: billed per request, encrypted, with a time to live and
 * point-in-time recovery.
 */
export class ChannelsTable extends Construct implements LayerStore {
  readonly table: Table
  readonly environment: Readonly<Record<string, string>>
  readonly network: undefined
  readonly isDualStack = false

  constructor(scope: Construct, id: string, props: ChannelsTableProps = {}) {
    super(scope, id)
    const { tableName, encryptionKey, removalPolicy = RemovalPolicy.DESTROY } = props
    if (tableName !== undefined) requireTableName(tableName)
    this.table = new Table(this, 'Table', {
      ...(tableName === undefined ? {} : { tableName }),
      partitionKey: { name: PARTITION_KEY, type: AttributeType.STRING },
      sortKey: { name: SORT_KEY, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: TIME_TO_LIVE_ATTRIBUTE,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      ...(encryptionKey === undefined
        ? { encryption: TableEncryption.AWS_MANAGED }
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
      removalPolicy,
    })
    this.environment = {
      [layerVariables.layer]: 'dynamodb',
      [layerVariables.table]: this.table.tableName,
    }
  }

  grantUse(grantee: IGrantable): void {
    this.table.grant(grantee, ...ACTIONS)
    if (!this.table.encryptionKey) return
    this.table.encryptionKey.grantEncryptDecrypt(grantee)
    const principal = grantee.grantPrincipal
    if (!Construct.isConstruct(principal)) return
    for (const action of ['kms:ReEncrypt*', 'kms:GenerateDataKey*']) {
      acceptFinding(
        principal,
        `AwsSolutions-IAM5[Action::${action}]`,
        'DynamoDB uses the key on behalf of who calls it.',
      )
    }
  }
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
function requireTableName(name: string): void {
  if (Token.isUnresolved(name) || /^[\w.-]{3,255}$/.test(name)) return
  throw new ConfigurationError(
    `tableName is ${JSON.stringify(name)}: use 3 to 255 letters, digits, "_", "." and "-"`,
  )
}
