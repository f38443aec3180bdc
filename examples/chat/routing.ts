import { path, type WorkerRoutes } from '../../shared/index.ts'
import { ChatConsumer } from './consumers.ts'
import { AnnouncementConsumer, ANNOUNCEMENTS } from './workers.ts'

export const websocketRoutes = [path('ws/chat/<slug:room>/', ChatConsumer.asApplication())] as const

export const workerRoutes: WorkerRoutes = { [ANNOUNCEMENTS]: AnnouncementConsumer.asApplication() }
