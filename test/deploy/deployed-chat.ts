import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
import { groupName } from '../../shared/index.ts'
import { groupPartition, PARTITION_KEY, SORT_KEY } from '../../shared/backends/dynamodb/table.ts'
import { layerVariables } from '../../shared/environment/index.ts'
import { Spawned } from '../e2e/spawned.ts'
import { root } from '../support/repository.ts'
import { outputsFile, STACK_NAME } from './cdk.ts'
import { ChatClient } from './chat-client.ts'

/** The chat as its stack's outputs describe it: what a user of it knows. */
export class DeployedChat {
  readonly #outputs: Readonly<Record<string, string>>
  readonly #dynamodb = new DynamoDBClient({})

  private constructor(outputs: Readonly<Record<string, string>>) {
    this.#outputs = outputs
  }

  /** Reads what the deployment has left. */
  static async readOutputs(): Promise<DeployedChat> {
    const text = await readFile(outputsFile, 'utf8')
    const outputs = (JSON.parse(text) as Record<string, Record<string, string>>)[STACK_NAME]
    if (outputs === undefined) throw new Error(`no outputs of ${STACK_NAME} in ${text}`)
    return new DeployedChat(outputs)
  }

  /** An output of the stack. */
  output(name: string): string {
    const value = this.#outputs[name]
    if (value === undefined)
      throw new Error(`no output ${name}: there are ${Object.keys(this.#outputs).join()}`)
    return value
  }

  /** Where handshakes for a path of the application go. */
  socketAddress(path: string): string {
    return `${this.output('WebSocketUrl')}?path=${path}`
  }

  /** Connects to a room. */
  async enter(room: string, headers: Readonly<Record<string, string>> = {}): Promise<ChatClient> {
    return await ChatClient.connect(this.socketAddress(`/ws/chat/${room}/`), headers)
  }

  /** How many memberships of a room are in the table. */
  async countMembers(room: string): Promise<number> {
    const query = new QueryCommand({
      TableName: this.output('ChannelsTable'),
      KeyConditionExpression: '#pk = :group',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
      ProjectionExpression: '#sk',
      ExpressionAttributeValues: { ':group': { S: groupPartition(groupName('chat', room)) } },
      ConsistentRead: true,
    })
    const { Count = 0 } = await this.#dynamodb.send(query)
    return Count
  }

  /**
   * Runs the command line tool as an operator does, with the outputs as variables, and resolves to what it has written.
   */
  async cli(...args: readonly string[]): Promise<string> {
    const main = join(root, 'cli', 'main.ts')
    await using run = new Spawned(process.execPath, [main, ...args], { env: this.layerEnvironment })
    const { code } = await run.exit
    if (code !== 0) throw new Error(`exit code ${code}: ${run.stderr}`)
    return run.stdout
  }

  /** The variables that a program needs to send to the chat: `ChannelsTable` is `CHANNELS_TABLE`. */
  get layerEnvironment(): Readonly<Record<string, string>> {
    const outputs = new Map(Object.entries(this.#outputs).map(([name, value]) => [name.toLowerCase(), value]))
    const variables = Object.values(layerVariables).map(
      (variable) => [variable, outputs.get(variable.replaceAll('_', '').toLowerCase())] as const,
    )
    return Object.fromEntries(
      variables.filter((pair): pair is [(typeof pair)[0], string] => pair[1] !== undefined),
    )
  }

  close(): void {
    this.#dynamodb.destroy()
  }
}
