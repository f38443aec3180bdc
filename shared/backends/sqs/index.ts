export { SQSDeliveryQueue, type SQSDeliveryQueueOptions } from './sqs-delivery-queue.ts'
export { SQSWorkerQueue, type SQSWorkerQueueOptions } from './sqs-worker-queue.ts'
