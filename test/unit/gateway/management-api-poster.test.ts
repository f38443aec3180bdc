import { ManagementApiPoster } from '../../../shared/gateway/management-api-poster.ts'
import { posterContract } from '../../contracts/poster.ts'

posterContract('ManagementApiPoster', ({ endpoint, timeoutMs, maxTries, clock, ca }) => {
  const credentials = async (): Promise<{ accessKeyId: string; secretAccessKey: string }> => ({
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'secret',
  })
  return new ManagementApiPoster({
    endpoint,
    timeoutMs,
    maxTries,
    clock,
    credentials,
    tls: ca === undefined ? {} : { ca },
  })
})
