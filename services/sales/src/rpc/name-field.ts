import type { FilterField } from '@rondo/resources';
import { namePattern, parseName, type ResourceKind } from '../domain/names.js';

/** A resource's name, in a filter. */
export function nameField(kind: ResourceKind): FilterField {
  return { kind: 'name', pattern: namePattern(kind), read: (name) => parseName(kind, name) };
}
