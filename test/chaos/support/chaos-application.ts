import type { Application, WebsocketScope } from '../../../shared/application.ts'
import { path } from '../../../shared/routing/path.ts'
import { UrlRouter } from '../../../shared/routing/url-router.ts'
import { MemberConsumer, WitnessConsumer } from './member-consumer.ts'

export const chaosApplication: Application<WebsocketScope> = UrlRouter([
  path('ws/member/', MemberConsumer.asApplication()),
  path('ws/witness/', WitnessConsumer.asApplication()),
])
