// Run as a program: posts once, and then has nothing more to do.
import { FastPoster } from '../../shared/gateway/fast-poster.ts'
import { ManagementApiPoster } from '../../shared/gateway/management-api-poster.ts'

const [which, endpoint = ''] = process.argv.slice(2)
const credentials = async (): Promise<{ accessKeyId: string; secretAccessKey: string }> => ({
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
})
const poster =
  which === 'FastPoster'
    ? new FastPoster({ endpoint, credentials })
    : new ManagementApiPoster({ endpoint, credentials })
await Promise.all(Array.from({ length: 5 }, (_, index) => poster.post(`id${index}=`, 'hello')))
process.stdout.write('posted')
