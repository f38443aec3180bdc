import { HEARTBEAT_FRAME } from '../shared/heartbeat.ts'
import type { LambdaFunction } from './lambda-function.ts'

/** The MOCK integration of the heartbeat's route: API Gateway answers, and no function runs. */
export const heartbeatIntegration: LambdaFunction = {
  invoke: async () => ({ kind: 'ok', value: { statusCode: 200, body: HEARTBEAT_FRAME } }),
}
