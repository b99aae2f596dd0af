import { NotFound } from '../domain/errors.js';
import type { ResourceKind } from '../domain/names.js';

/** What was looked for. @throws NotFound where there is none. */
export function found<T>(kind: ResourceKind, id: string, resource: T | undefined): T {
  if (resource === undefined) throw new NotFound(kind, [id]);
  return resource;
}
