import { testHandlers } from '../contracts/handlers.ts'
import { startTestDynamoDB } from '../support/dynamodb.ts'

testHandlers('DynamoDB', async () => {
  const database = await startTestDynamoDB()
  const store = database.makeStore({ transport: database.transport })
  return { store, close: () => database.close() }
})
