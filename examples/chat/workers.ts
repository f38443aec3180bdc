import { type ChannelScope, Consumer, type EventOf, groupName, type Handles } from '../../shared/index.ts'
import type { ChatEvents } from './consumers.ts'

/** The worker channel for what is to be said later. */
export const ANNOUNCEMENTS = 'chat-announcements'

/** What the worker is sent, by type. */
export interface AnnouncementEvents {
  'announcement.make': { readonly room: string; readonly message: string }
}

/** Says something in a room when its time has come: the queue has kept it back until then. */
export class AnnouncementConsumer
  extends Consumer<ChannelScope, ChatEvents>
  implements Handles<AnnouncementEvents>
{
  async announcementMake({ room, message }: EventOf<AnnouncementEvents, 'announcement.make'>): Promise<void> {
    await this.channelLayer.groupSend(groupName('chat', room), { type: 'chat.message', message })
  }
}
