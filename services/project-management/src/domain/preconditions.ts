import { LostRace, IllegalMove } from './errors.js';

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

/** The states that may follow each state. */
export type Moves<State extends string> = Readonly<Record<State, readonly State[]>>;

/**
 * Checks that `resource` may go from one state to another. Staying is no move.
 *
 * @throws IllegalMove naming both states and the allowed ones.
 */
export function requireMove<State extends string>(
  resource: string,
  moves: Moves<State>,
  { from, to }: { readonly from: State; readonly to: State },
): void {
  if (from !== to && !moves[from].includes(to)) throw new IllegalMove(resource, { from, to, allowed: moves[from] });
}
