import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'

channelStoreContract('memory', (setup) => new MemoryChannelStore(setup))
