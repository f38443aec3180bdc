export { DynamoDBChannelStore, type DynamoDBChannelStoreOptions } from './dynamodb-channel-store.ts'
export { tableDefinition } from './table.ts'
