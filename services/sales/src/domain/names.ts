/** Resource names in the format of AIP-122 (google.aip.dev/122): `customers/{customer}`. */

/** The kinds of resources. */
export type ResourceKind = 'customer' | 'product' | 'quote' | 'order';

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The name of a resource, such as `quotes/4f2a`. */
export function nameOf(kind: ResourceKind, id: string): string {
  return `${kind}s/${id}`;
}

/** The pattern of a kind's names, such as `quotes/{quote}`. */
export function namePattern(kind: ResourceKind): string {
  return nameOf(kind, `{${kind}}`);
}

/** The id in a resource's name; undefined if the name doesn't match the kind's pattern. */
export function parseName(kind: ResourceKind, name: string): string | undefined {
  const collection = nameOf(kind, '');
  const id = name.slice(collection.length);
  return name.startsWith(collection) && ID.test(id) ? id : undefined;
}
