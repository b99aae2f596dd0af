import { RpcError, Status } from '../../status/index.js';
import type { Part, Requirement } from './part.js';
import { notNeeded } from './whole.js';

/** What has come of the parts so far, and whether that is enough. */
export interface Gathering<T> {
  note(index: number, part: Part<T>): void;
  /** Whether no further part can change the outcome: enough are done, or too few can be. */
  readonly certain: boolean;
  /** All parts in order; those that nothing is known of were lost to `rest`. @throws RpcError where too few are done. */
  outcome(rest?: RpcError): readonly Part<T>[];
}

/** Gathers `count` parts of which so many have to be done as `require` says. */
export function gather<T>(count: number, require: Requirement): Gathering<T> {
  const needed = neededOf(count, require);
  const parts = new Map<number, Part<T>>();
  let done = 0;
  let firstLoss: RpcError | undefined;
  const failed = () => parts.size - done > count - needed;
  return {
    note(index, part) {
      parts.set(index, part);
      if (part.ok) done += 1;
      else firstLoss ??= part.error;
    },
    get certain() {
      return parts.size === count || failed() || (typeof require === 'object' && done >= needed);
    },
    outcome(rest = notNeeded()) {
      if (failed() && firstLoss !== undefined) throw firstLoss;
      if (done < needed) throw rest;
      const lost = { ok: false, error: rest, instance: undefined } as const;
      return Array.from({ length: count }, (_, index) => parts.get(index) ?? lost);
    },
  };
}

function neededOf(count: number, require: Requirement): number {
  if (require === 'all') return count;
  if (require === 'none') return 0;
  const { quorum } = require;
  if (!Number.isInteger(quorum) || quorum < 0) {
    throw new RangeError(`require.quorum must be a whole number of at least 0, is ${quorum}`);
  }
  if (quorum <= count) return quorum;
  throw new RpcError(
    Status.UNAVAILABLE,
    `a quorum of ${quorum} is out of reach: there ${count === 1 ? 'is 1' : `are ${count}`}`,
  );
}
