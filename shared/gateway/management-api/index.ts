export { ManagementApiPoster, type ManagementApiPosterOptions } from '../management-api-poster.ts'
