import { LostRace } from './errors.js';

/**
 * What of a resource has changed since a caller read it, by field; undefined where nothing has, or the caller asks for
 * whatever is there.
 */
export type ChangedSince<Resource> = (present: Resource) => readonly string[] | undefined;

/** @throws LostRace where the resource isn't as its caller read it. */
export function requireUnchanged<Resource>(
  name: string,
  present: Resource,
  changedSince: ChangedSince<Resource>,
): void {
  const fields = changedSince(present);
  if (fields !== undefined) throw new LostRace(name, fields);
}
