/** Where the functions in containers find everything. */
export interface ContainerPlaces {
  readonly tableName: string
  readonly databaseEndpoint: string
  readonly queueUrl: string
  readonly gatewayUrl: string
  readonly managementEndpoint: string
}
