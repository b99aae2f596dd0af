import { IllegalTransition } from './errors.js';

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
