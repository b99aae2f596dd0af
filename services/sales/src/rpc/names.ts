import type { FilterField } from '@rondo/resources';
import { type ReportFault, validate } from '@rondo/rpc/status';
import { namePattern, parseName, type ResourceKind } from '../domain/names.js';

/** Reads the id from a resource's name; reports a fault if the name doesn't match the pattern. */
export function readName(report: ReportFault, kind: ResourceKind, name: string): string {
  const id = parseName(kind, name);
  if (id === undefined)
    report(`must be of the pattern ${namePattern(kind)}, where an id is 1 to 63 of a-z 0-9 -; it is "${name}"`);
  return id ?? '';
}

/**
 * Reads the id from a request whose only field to check is `name`.
 *
 * @throws RpcError `INVALID_ARGUMENT`
 */
export function requireName(kind: ResourceKind, name: string): string {
  return validate((field) => readName(field('name'), kind, name));
}

/** The filter field for a resource's name. */
export function nameField(kind: ResourceKind): FilterField {
  return { kind: 'name', pattern: namePattern(kind), read: (name) => parseName(kind, name) };
}
