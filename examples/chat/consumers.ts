import {
  type ContentSchema,
  type EventOf,
  groupName,
  type Handles,
  JsonWebsocketConsumer,
  type RoutedScope,
  type SchemaIssue,
} from '../../shared/index.ts'

/** What a client sends, and what it receives. */
interface ChatMessage {
  readonly message: string
}

/** What travels through the layer, by type. */
export interface ChatEvents {
  'chat.message': ChatMessage
}

type ChatScope = RoutedScope<{ room: string }>

/** Any Standard Schema does, zod's and valibot's too; this one is by hand to depend on nothing. */
const chatMessageSchema: ContentSchema<ChatMessage> = {
  '~standard': {
    version: 1,
    vendor: 'chat',
    validate(value) {
      if (isChatMessage(value)) return { value: { message: value.message } }
      return { issues: [{ message: 'send {"message": "hello"}: "message" is missing or no string' }] }
    },
  },
}

function isChatMessage(value: unknown): value is ChatMessage {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  )
}

/** The tutorial's chat: whatever one client of a room sends, all its clients receive. */
export class ChatConsumer
  extends JsonWebsocketConsumer<ChatScope, ChatEvents, ChatMessage>
  implements Handles<ChatEvents>
{
  override readonly contentSchema = chatMessageSchema

  get roomGroupName(): string {
    return groupName('chat', this.scope.urlRoute.kwargs.room)
  }

  override async connect(): Promise<void> {
    await this.channelLayer.groupAdd(this.roomGroupName, this.channelName)
    await this.accept()
  }

  override async disconnect(): Promise<void> {
    await this.channelLayer.groupDiscard(this.roomGroupName, this.channelName)
  }

  override async receiveJson({ message }: ChatMessage): Promise<void> {
    await this.channelLayer.groupSend(this.roomGroupName, { type: 'chat.message', message })
  }

  async chatMessage({ message }: EventOf<ChatEvents, 'chat.message'>): Promise<void> {
    await this.sendJson({ message })
  }

  override async receiveInvalidJson(): Promise<void> {
    await this.sendJson({ error: 'send JSON: {"message": "hello"}' })
  }

  override async receiveInvalid(issues: readonly SchemaIssue[]): Promise<void> {
    await this.sendJson({ error: issues.map(({ message }) => message).join('; ') })
  }
}
