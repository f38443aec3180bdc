import { serialBody, type SerialEvent } from '../shared/serial-body.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { LocalQueue } from './local-queue.ts'

/** A route's integration that puts each event into `queue`, in the order of its connection, as SendMessage of API Gateway does. */
export function serialIntegration(queue: LocalQueue): LambdaFunction {
  return {
    async invoke(event) {
      // The gateway makes these events, so their shape needs no check. There is nothing to wait for: frames keep their order.
      const { requestContext, ...rest } = event as SerialEvent
      queue.send({
        body: serialBody({ requestContext, ...rest }),
        groupId: String(requestContext['connectionId']),
      })
      return { kind: 'ok', value: { statusCode: 200 } }
    },
  }
}
