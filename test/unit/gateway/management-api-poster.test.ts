import { ManagementApiPoster } from '../../../shared/gateway/management-api-poster.ts'
import { posterContract } from '../../contracts/poster.ts'

posterContract('ManagementApiPoster', ({ ca, ...options }) => {
  const credentials = async (): Promise<{ accessKeyId: string; secretAccessKey: string }> => ({
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'secret',
  })
  return new ManagementApiPoster({
    ...options,
    credentials,
    tls: ca === undefined ? {} : { ca },
  })
})
