import { MemorySessionStore } from '../../shared/backends/memory/memory-session-store.ts'
import { sessionStoreContract } from '../contracts/session-store.ts'

sessionStoreContract('memory', (setup) => new MemorySessionStore(setup))
