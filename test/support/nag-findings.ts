import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly {
      readonly ruleName: string
      readonly violatingConstructs: readonly { readonly constructPath: string }[]
    }[]
  }[]
}

/** What cdk-nag's AwsSolutions rules find, warnings too, in a stack that `build` fills: `{rule} {path}` for each. */
export function nagFindings(build: (stack: Stack) => void, props: StackProps = {}): readonly string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'nag-'))
  try {
    const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } })
    build(new Stack(app, 'Stack', props))
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    const failure = synthFailure(app)
    const report = join(outdir, 'validation-report.json')
    // Whatever fails for another reason leaves no report.
    if (failure !== undefined && !existsSync(report)) throw failure
    return existsSync(report) ? findingsOf(JSON.parse(readFileSync(report, 'utf8'))) : []
  } finally {
    rmSync(outdir, { recursive: true })
  }
}

function synthFailure(app: App): Error | undefined {
  try {
    app.synth()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function findingsOf({ pluginReports }: Report): readonly string[] {
  return pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
    ),
  )
}
