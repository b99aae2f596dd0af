import { type ReportFault, validate } from '@rondo/rpc/status';
import { namePattern, parseName, type ResourceKind } from '../domain/names.js';
import type { FilterField } from '@rondo/resources';

/** The id inside a resource's name. */
export function readName(report: ReportFault, kind: ResourceKind, name: string): string {
  const id = parseName(kind, name);
  if (id === undefined)
    report(`must be of the pattern ${namePattern(kind)}, where an id is 1 to 63 of a-z 0-9 -; it is "${name}"`);
  return id ?? '';
}

/**
 * The id in the `name` of a request that has nothing else to be wrong.
 *
 * @throws RpcError `INVALID_ARGUMENT`
 */
export function requireName(kind: ResourceKind, name: string): string {
  return validate((field) => readName(field('name'), kind, name));
}

/** A resource's name, in a filter. */
export function nameField(kind: ResourceKind): FilterField {
  return { kind: 'name', pattern: namePattern(kind), read: (name) => parseName(kind, name) };
}
