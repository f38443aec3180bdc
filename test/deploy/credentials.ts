import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { UsageError } from './options.ts'

/**
 * Looks for credentials where the AWS SDK does: environment, profile, web identity, container, instance. Whether AWS takes
 * them is not asked.
 *
 * @throws UsageError if there are none
 */
export async function requireCredentials(): Promise<void> {
  // No call is made there: the SDK only wants a region.
  const client = new DynamoDBClient({ region: 'us-east-1' })
  try {
    await client.config.credentials()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(
      `--endpoint is "aws", and no AWS credentials were found (${reason.split('\n')[0]}): run "aws configure" or "aws sso login", or set AWS_PROFILE`,
      { cause: error },
    )
  } finally {
    client.destroy()
  }
}
