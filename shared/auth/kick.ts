import type { Application, WebsocketScope } from '../application.ts'
import type { ChannelLayer, GroupSendResult } from '../channel-layer.ts'
import { wrapApplication } from '../middleware/define-middleware.ts'
import { groupName } from '../names.ts'
import type { AnonymousUser, User } from './user.ts'

/** What a client is told whose user was kicked. 4000 to 4999 are for applications: RFC 6455, section 7.4.2. */
export const KICKED_CODE = 4403

/** A scope that knows who is connected. */
export interface KickableScope extends WebsocketScope {
  readonly user: User | AnonymousUser
}

/**
 * Lets {@link kick} find the connections of a user. Put it inside the middleware that adds `scope.user`.
 *
 * A connection that is accepted joins one more group, of the layer "default". In DynamoDB that is two writes when it begins,
 * one if it joins no group itself, and one when it ends. Who is not logged in joins nothing.
 *
 * @example
 * ```ts
 * const application = tokenMiddleware({ issuer, audience, jwks })(kickable(UrlRouter(routes)))
 * ```
 */
export function kickable<S extends KickableScope>(inner: Application<S>): Application<S> {
  return wrapApplication<S>(inner, async (scope, message, send) => {
    let isAccepted = false
    await inner(scope, message, async (sent) => {
      await send(sent)
      if (sent.type === 'websocket.accept') isAccepted = true
    })
    // Last, so that its record is written once, and a consumer may kick its user's older connections.
    if (isAccepted && scope.user.id !== null)
      await scope.connection.channelLayer('default').groupAdd(userGroup(scope.user.id), scope.channelName)
  })
}

/**
 * Ends all connections of a user whose application is wrapped in {@link kickable}: `disconnect()` runs for each, and each client
 * gets `code` in a last frame. The ids `1` and `'1'` are one user. The result counts them as a group send's does.
 *
 * It keeps nobody from coming back: first take away what the user would connect with. A handshake that is under way meanwhile
 * may go through, so kick again after 30 seconds where that matters.
 *
 * @throws {@link ProtocolError} for a code other than 1000 and 3000 to 4999
 * @throws {@link StoreError} if the members cannot be read
 *
 * @example
 * ```ts
 * await kick(this.channelLayer, 'ann')
 * ```
 */
export function kick(
  channelLayer: ChannelLayer,
  userId: string | number,
  code: number = KICKED_CODE,
): Promise<GroupSendResult> {
  return channelLayer.groupClose(userGroup(userId), code)
}

function userGroup(userId: string | number): string {
  return groupName('connections-of', userId)
}
