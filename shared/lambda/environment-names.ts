import { layerVariables } from '../environment/layer-environment.ts'

/** The names of the environment variables that functions read: `cdk/` and `local/` set them. */
export const environmentNames: typeof layerVariables & {
  /** `production` (default) or `development`, which turns on the checks that cost time. */
  readonly environment: 'CHANNELS_ENVIRONMENT'
  /** `debug`, `info` (default), `warn` or `error`. */
  readonly logLevel: 'CHANNELS_LOG_LEVEL'
  /** What metrics and log lines are marked with, so that two applications of one account can be told apart. */
  readonly service: 'CHANNELS_SERVICE'
  /** The hosts of the pages that may connect, with commas between them: `chat.example,.chat.example`. */
  readonly allowedHosts: 'CHANNELS_ALLOWED_HOSTS'
  /** Where pages find the sockets, if not on their own origin: `wss://….execute-api.….amazonaws.com/prod`. */
  readonly websocketUrl: 'CHANNELS_WEBSOCKET_URL'
} = {
  ...layerVariables,
  environment: 'CHANNELS_ENVIRONMENT',
  logLevel: 'CHANNELS_LOG_LEVEL',
  service: 'CHANNELS_SERVICE',
  allowedHosts: 'CHANNELS_ALLOWED_HOSTS',
  websocketUrl: 'CHANNELS_WEBSOCKET_URL',
}
