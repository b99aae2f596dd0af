import { editDistance } from '@rondo/rpc/contract';

const PREFIX = 'RONDO_';
/** More edits than this in a name are another name, not a slip. */
const MAX_EDITS = 2;

/** A variable that nobody reads, and the one that was probably meant. */
export interface Misspelling {
  readonly name: string;
  readonly meant: string;
}

/** A misspelling in words. */
export function describeMisspelling({ name, meant }: Misspelling): string {
  return `${name} is not read: is ${meant} meant?`;
}

/**
 * The `RONDO_*` variables in `environment` that are near to a known name without being one. Others stay unsaid: a
 * process legitimately inherits what is meant for its neighbours.
 */
export function findMisspellings(environment: object, known: readonly string[]): readonly Misspelling[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? [] : [{ name, meant }];
    });
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .filter(({ edits }) => edits <= MAX_EDITS)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}
