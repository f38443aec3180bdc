export type { LocalAddresses } from './http-server.ts'
export { type DoomedDelivery, Faults, type PostFault } from './faults.ts'
export { type InProcessOptions, inProcessFunction, type LambdaHandler } from './in-process-function.ts'
export type { InvokeOptions, LambdaContext, LambdaFunction, LambdaResult } from './lambda-function.ts'
export { type LiveServerOptions, startLiveServer } from './live-server.ts'
export {
  type EnqueueOptions,
  type LocalFunctions,
  type LocalGateway,
  type LocalGatewayOptions,
  startLocalGateway,
} from './local-gateway.ts'
export type { DeadLetter } from './local-queue.ts'
export { defaultPolicies, type GatewayPolicies } from './policies.ts'
export { containerPool, type ContainerPool, type ContainerPoolOptions } from './container-pool.ts'
