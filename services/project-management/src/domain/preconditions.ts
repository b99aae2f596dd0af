import { IllegalTransition, StaleEtag } from './errors.js';

/**
 * Compares a resource with the etag that the caller sent. Returns the names of the fields that have changed since, or
 * undefined if the etag still matches or the caller sent none.
 */
export type ChangedSince<Resource> = (present: Resource) => readonly string[] | undefined;

/** @throws StaleEtag if the resource has changed since the caller read it. */
export function requireUnchanged<Resource>(
  name: string,
  present: Resource,
  changedSince: ChangedSince<Resource>,
): void {
  const fields = changedSince(present);
  if (fields !== undefined) throw new StaleEtag(name, fields);
}

/** The states that may follow each state. */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>;

/**
 * Checks that `resource` may go from one state to another. Staying in a state is always allowed.
 *
 * @throws IllegalTransition with both states and the allowed ones.
 */
export function requireTransition<State extends string>(
  resource: string,
  transitions: Transitions<State>,
  { from, to }: { readonly from: State; readonly to: State },
): void {
  if (from !== to && !transitions[from].includes(to))
    throw new IllegalTransition(resource, { from, to, allowed: transitions[from] });
}
