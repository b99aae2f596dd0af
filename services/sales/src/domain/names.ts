import { type NamePattern, namePattern } from '@rondo/resources/domain';

/** The kinds of resources. */
export type ResourceKind = 'customer' | 'product' | 'quote' | 'order';

/** The names of each kind. */
export const NAMES: Readonly<Record<ResourceKind, NamePattern<string>>> = {
  customer: namePattern('customers/{customer}', (id) => id),
  product: namePattern('products/{product}', (id) => id),
  quote: namePattern('quotes/{quote}', (id) => id),
  order: namePattern('orders/{order}', (id) => id),
};

/** The name of a change of a product's stock. */
export function stockChangeName(productId: string, id: string): string {
  return `${nameOf('product', productId)}/stockChanges/${id}`;
}

/** The name of a resource, such as `quotes/4f2a`. */
export function nameOf(kind: ResourceKind, id: string): string {
  return `${kind}s/${id}`;
}
