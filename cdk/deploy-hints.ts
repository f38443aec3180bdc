/** What a deployment is going to meet, as far as it shows before. */
export interface DeployHintsOptions {
  /** A name for the table, if one was chosen. */
  readonly tableName: string | undefined
}

/**
 * What to say before a deployment, because what would be said after it does not tell what to do. Nothing of it is wrong yet:
 * `cdk synth` needs no credentials.
 *
 * @param env - as `cdk` sets it: `CDK_CLI_VERSION` always, `CDK_DEFAULT_ACCOUNT` if it has found credentials
 */
export function deployHints(
  env: Readonly<Record<string, string | undefined>>,
  { tableName }: DeployHintsOptions,
): readonly string[] {
  const hints: string[] = []
  if (env['CDK_CLI_VERSION'] && !env['CDK_DEFAULT_ACCOUNT']) {
    hints.push(
      'no AWS credentials were found, or AWS did not accept them: cdk deploy needs some; run "aws configure" or "aws sso login", or set AWS_PROFILE',
    )
  }
  if (tableName !== undefined) {
    hints.push(
      `the table is to be named "${tableName}": if there is such a table already, CloudFormation says that it exists, and rolls back; choose another name, or leave out tableName to get one that is free`,
    )
  }
  return hints
}
