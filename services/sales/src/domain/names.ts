/** Resource names, as google.aip.dev/122 has them: `customers/{customer}`. */

/** What has a name and an id of its own. */
export type ResourceKind = 'customer' | 'product' | 'quote' | 'order';

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The name of a resource, such as `quotes/4f2a`. */
export function nameOf(kind: ResourceKind, id: string): string {
  return `${kind}s/${id}`;
}

/** What names of a kind look like, such as `quotes/{quote}`. */
export function namePattern(kind: ResourceKind): string {
  return nameOf(kind, `{${kind}}`);
}

/** The id inside a resource's name; undefined where it isn't of the pattern. */
export function parseName(kind: ResourceKind, name: string): string | undefined {
  const collection = nameOf(kind, '');
  const id = name.slice(collection.length);
  return name.startsWith(collection) && ID.test(id) ? id : undefined;
}
