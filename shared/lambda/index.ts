export { allowedHostsOf, type Environment, readEnvironment, websocketUrlOf } from './environment.ts'
export { environmentNames } from './environment-names.ts'
export { type EnvironmentRuntimeOptions, runtimeFromEnvironment } from './runtime-from-environment.ts'
