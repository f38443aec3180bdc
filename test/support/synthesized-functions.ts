import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What `ChannelsApi` tells a function, with names of nothing. */
const ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
  CHANNELS_TABLE: 'channels',
  CHANNELS_DELIVERY_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/123456789012/delivery',
  CHANNELS_MANAGEMENT_ENDPOINT: 'https://abcdefghij.execute-api.eu-west-1.amazonaws.com/prod',
}

/**
 * Loads each function that `cdk synth` has bundled in `folder`, in a process that has no other module beside it.
 *
 * @returns what stands beside each, and what its `handler` is: `function`
 * @throws Error with what Node says, if one does not load
 */
export async function loadSynthesizedFunctions(
  folder: string,
): Promise<readonly { readonly handler: string; readonly files: readonly string[] }[]> {
  const bundles = globSync(join(folder, 'cdk.out/asset.*/index.mjs'))
  return await Promise.all(
    bundles.map(async (bundle) => {
      const code = `import { handler } from ${JSON.stringify(bundle)}; process.stdout.write(typeof handler)`
      const args = ['--input-type=module', '--eval', code]
      const { stdout } = await run(process.execPath, args, { cwd: '/', env: ENVIRONMENT })
      const files = globSync('**/*', { cwd: dirname(bundle) })
      return { handler: stdout, files }
    }),
  )
}
