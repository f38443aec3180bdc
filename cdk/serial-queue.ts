import { type Duration, Stack } from 'aws-cdk-lib'
import { PassthroughBehavior, type WebSocketApi } from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketAwsIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { acceptFinding } from './nag-reasons.ts'
import { sendMessageTemplate } from './serial-template.ts'
import { WorkQueue, type WorkQueueProps, type WorkQueueReaderProps } from './work-queue.ts'

/**
 * How a {@link SerialQueue} hands out events. A batch may be of several connections, whose next events wait until the
 * slowest of it is done: a `batchSize` of 1 keeps them apart, and costs an invocation each. An event that was not done stays
 * hidden with all that its connection has sent since.
 */
export interface SerialQueueOptions extends WorkQueueReaderProps, Pick<WorkQueueProps, 'visibilityTimeout'> {
  /**
   * How often an event is handed out before it is a dead letter, 1 to 1000. It counts also when the event was not begun,
   * because those in front of it took all the time.
   *
   * @default - 15: nine times at most behind the others of a batch of ten, and six times as the first
   */
  readonly maxReceiveCount?: number
}

/**
 * An invocation gets one event of each connection done at least, so the last one of a batch is the first after nine hand-outs.
 * What is left is for invocations that die, one more than other queues allow.
 */
const MOST_RECEIVES = 15

/** Options of {@link SerialQueue}. */
export interface SerialQueueProps extends SerialQueueOptions {
  /** The API whose `$default` and `$disconnect` lead into the queue. It must not have these routes yet. */
  readonly api: WebSocketApi
  /** The function of `createSerialHandler`. */
  readonly reader: IFunction
  /** How long the function runs at most. */
  readonly longest: Duration
}

/**
 * `ordering: 'serial'`: API Gateway puts frames and ends of connections into an SQS FIFO queue, whose group is the
 * connection, and no function runs until it is their turn. `$connect` is not its business, because it has to answer.
 *
 * @throws {@link ConfigurationError} for a number or a time that does not fit
 */
export class SerialQueue extends WorkQueue {
  constructor(
    scope: Construct,
    id: string,
    { api, reader, maxReceiveCount = MOST_RECEIVES, ...props }: SerialQueueProps,
  ) {
    super(scope, id, { ...props, maxReceiveCount, isOrdered: true })
    this.#route(api)
    this.addReader(reader, props)
  }

  #route(api: WebSocketApi): void {
    const role = new Role(this, 'Sender', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      description: 'API Gateway puts frames of clients into the serial queue',
    })
    role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }))
    const { partition, region, account } = Stack.of(this)
    const integration = new WebSocketAwsIntegration('SerialIntegration', {
      integrationMethod: 'POST',
      integrationUri: `arn:${partition}:apigateway:${region}:sqs:path/${account}/${this.queue.queueName}`,
      credentialsRole: role,
      passthroughBehavior: PassthroughBehavior.NEVER,
      requestParameters: {
        'integration.request.header.Content-Type': "'application/x-www-form-urlencoded'",
      },
      requestTemplates: { $default: sendMessageTemplate() },
      templateSelectionExpression: String.raw`\$default`,
    })
    for (const key of ['$default', '$disconnect']) {
      const route = api.addRoute(key, { integration })
      acceptFinding(route, 'AwsSolutions-APIG4', 'API Gateway asks an authorizer at $connect only.')
    }
  }
}
