import type { ResourceContext } from '@rondo/resources';

/** What the methods of all resources of this service work with. */
export interface SalesMethods extends ResourceContext {
  readonly sync: NonNullable<ResourceContext['sync']>;
}
