import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { application } from '../functions/application.ts'
import { ChannelsApi } from './channels-api.ts'
import type { ChannelsApiProps } from './channels-api-props.ts'

/** What of the deployed chat can be chosen from outside. */
export type ChatStackProps = StackProps & Omit<ChannelsApiProps, 'application' | 'functions' | 'assets'>

/** The chat of examples/chat, deployed. */
export class ChatStack extends Stack {
  readonly api: ChannelsApi

  constructor(scope: Construct, id: string, props: ChatStackProps = {}) {
    super(scope, id, props)
    this.api = new ChannelsApi(this, 'Chat', {
      ...props,
      application,
      functions: 'functions',
      assets: { pages: 'examples/chat/pages' },
    })
    const { addresses, httpUrl = '', layerEnvironment, websocketUrl } = this.api
    const lobby = addresses.isOneOrigin ? '/ws/chat/lobby/' : '?path=/ws/chat/lobby/'
    this.#say('ChatPage', `${httpUrl}/chat/lobby/`, 'Open it in two windows')
    this.#say('TryIt', `npx wscat -c "${websocketUrl}${lobby}"`, 'Or paste this into two terminals')
    this.#say('WebSocketUrl', websocketUrl, 'Where handshakes go')
    this.#say('HttpUrl', httpUrl, 'Where the views are')
    this.#say('WebSocketApiId', this.api.sockets.api.apiId)
    for (const [name, value] of Object.entries(layerEnvironment)) this.#say(outputName(name), value)
  }

  #say(name: string, value: string, description?: string): void {
    new CfnOutput(this, name, { value, ...(description === undefined ? {} : { description }) })
  }
}

/** `CHANNELS_DELIVERY_QUEUE_URL` → `ChannelsDeliveryQueueUrl`: names of outputs are letters and digits. */
function outputName(variable: string): string {
  return variable
    .toLowerCase()
    .split('_')
    .map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`)
    .join('')
}
