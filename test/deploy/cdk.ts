import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Spawned } from '../e2e/spawned.ts'
import { binary, root } from '../support/repository.ts'
import { contextFlags } from './emulator-gaps.ts'

/** The stack that the tests deploy: not the one that a user of this repository has. */
export const STACK_NAME = 'LambdaChannelsDeployTest'

/** Where this process's `cdk` writes. Two that share a folder lock each other out. */
const folder = join(tmpdir(), `lambda-channels-cdk-${process.pid}`)

/** The file that {@link deployStack} leaves the outputs in. */
export const outputsFile: string = join(folder, 'outputs.json')

/** Options of {@link cdk}. */
export interface CdkOptions {
  /** Set on top of this process's own; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The exit code that is expected; 0 by default. */
  readonly exitCode?: 0 | 1
}

/**
 * Runs the real `cdk` in the top folder, as `npx cdk …` does, and resolves to all it has written.
 *
 * @throws Error with that if it ends with another exit code than the expected
 */
export async function cdk(
  args: readonly string[],
  { env = {}, exitCode = 0 }: CdkOptions = {},
): Promise<string> {
  const command = [
    binary('cdk'),
    ...args,
    '--no-notices',
    '-o',
    join(folder, 'cdk.out'),
    '-c',
    `stackName=${STACK_NAME}`,
  ]
  await using run = new Spawned(process.execPath, command, { cwd: root, env })
  const { code } = await run.exit
  const output = `${run.stdout}${run.stderr}`
  if (code === exitCode) return output
  throw new Error(`cdk ${args.join(' ')} ended with exit code ${code}, and not ${exitCode}:\n${output}`)
}

/** `cdk deploy`. */
export async function deployStack(): Promise<string> {
  const flags = ['--require-approval', 'never', '--outputs-file', outputsFile, ...contextFlags()]
  return await cdk(['deploy', ...flags])
}

/** `cdk diff`; fails if there is a difference. */
export async function diffStack(): Promise<string> {
  return await cdk(['diff', '--fail', ...contextFlags()])
}

/** `cdk destroy`. There is nothing wrong with a stack that is not there. */
export async function destroyStack(options: CdkOptions = {}): Promise<string> {
  return await cdk(['destroy', '--force'], options)
}

/** Removes what the `cdk` has written. */
export async function removeCdkFiles(): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
