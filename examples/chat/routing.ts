import { path } from '../../shared/index.ts'
import { ChatConsumer } from './consumers.ts'

export const websocketRoutes = [path('ws/chat/<slug:room>/', ChatConsumer.asApplication())] as const
