export { MemoryChannelStore } from './memory-channel-store.ts'
export { MemoryDeliveryQueue } from './memory-delivery-queue.ts'
