import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** What an API is called in the console of API Gateway, where those of all stacks are in one list: `Chat-Api-Sockets`. */
export function apiNameOf(scope: Construct): string {
  const { stackName, node } = Stack.of(scope)
  const below = scope.node.path.slice(node.path.length).split('/')
  return [stackName, ...below.filter((id) => id !== '')].join('-')
}
