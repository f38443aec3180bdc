import { run } from '../../cli/run.ts'

/** What a command line has come to. */
export interface CliResult {
  readonly code: number
  readonly out: string
  readonly problems: string
}

/** Runs a command line in this process, with `env` alone for an environment. */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<CliResult> {
  let [out, problems] = ['', '']
  const code = await run(args, {
    env,
    out: (text) => void (out += text),
    problem: (text) => void (problems += text),
    now: () => Date.now(),
  })
  return { code, out, problems }
}
