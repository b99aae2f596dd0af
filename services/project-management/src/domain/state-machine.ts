import { IllegalMove } from './errors.js';

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
