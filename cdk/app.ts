import { Annotations, App } from 'aws-cdk-lib'
import { ConfigurationError } from '../shared/index.ts'
import { ChatStack } from './chat-stack.ts'
import { requireCliVersion } from './cli-version.ts'
import { ContextFlags, REGION_SHAPE, STACK_NAME_SHAPE } from './context-flags.ts'
import { deployHints } from './deploy-hints.ts'

try {
  requireCliVersion(process.env['CDK_CLI_VERSION'])
  // Made here, so that what is found then is told in the same way.
  build(new App({ autoSynth: false })).synth()
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error
  // It says what to do; a stack trace would hide that.
  console.error(error.message)
  process.exitCode = 1
}

function build(app: App): App {
  const flags = new ContextFlags(app.node)
  // cdk itself deploys there, too.
  const emulatorEndpoint = process.env['AWS_ENDPOINT_URL']
  const region = flags.shaped('region', REGION_SHAPE)
  const tableName = flags.text('tableName')
  const stackName = flags.shaped('stackName', STACK_NAME_SHAPE) ?? 'LambdaChannelsChat'
  const stack = new ChatStack(app, stackName, {
    description: 'The chat of lambda-channels',
    layer: flags.oneOf('layer', ['dynamodb', 'redis']),
    front: flags.flag('front', false),
    ordering: flags.oneOf('ordering', ['parallel', 'serial']),
    heartbeat: flags.flag('heartbeat', true),
    monitoring: flags.flag('monitoring', true),
    cloudWatchRole: flags.flag('cloudWatchRole', true),
    logLevel: flags.oneOf('logLevel', ['info', 'debug', 'warn', 'error']),
    ...(region ? { env: { region } } : {}),
    ...(tableName ? { tableName } : {}),
    ...(emulatorEndpoint ? { emulatorEndpoint } : {}),
  })
  for (const hint of deployHints(process.env, { tableName })) Annotations.of(stack).addInfo(hint)
  return app
}
