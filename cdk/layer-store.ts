import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import type { FunctionNetwork } from './channels-function.ts'

/** Where a channel layer keeps connections and groups, as far as functions have to do with it. */
export interface LayerStore {
  /** What tells functions where it is. */
  readonly environment: Readonly<Record<string, string>>
  /** Where functions have to be to reach it; undefined if that does not matter. */
  readonly network: FunctionNetwork | undefined
  /** Whether functions reach what is outside by IPv6 alone: then the WebSocket API has to be dual-stack. */
  readonly isDualStack: boolean
  /** Lets `grantee` do what the stores do, and nothing else. */
  grantUse(grantee: IGrantable): void
}
