import { MemoryChannelStore } from '../../shared/backends/memory/memory-channel-store.ts'
import { channelStoreContract } from '../contracts/channel-store.ts'
import { connectionListingContract } from '../contracts/connection-listing.ts'

channelStoreContract('memory', (setup) => new MemoryChannelStore(setup))
connectionListingContract('memory', (setup) => new MemoryChannelStore(setup))
