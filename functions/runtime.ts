import type { Runtime } from '../shared/gateway/index.ts'
import { runtimeFromEnvironment } from '../shared/lambda/index.ts'

/** The one thing that survives from one invocation to the next. Built once per container, when it starts. */
export const runtime: Runtime = await runtimeFromEnvironment(process.env)
