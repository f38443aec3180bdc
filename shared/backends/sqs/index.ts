export { SQSDeliveryQueue, type SQSDeliveryQueueOptions } from './sqs-delivery-queue.ts'
