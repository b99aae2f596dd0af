import { type Clock, nextTurn } from '@rondo/rpc/clock';

/** How long it computes at a stretch: a process that doesn't answer for longer is soon taken for frozen. Milliseconds. */
const STRETCH_MS = 5;

/** The event loop's turns, one for each stretch of long computations: whoever else waits for the process comes between. */
export interface Turns {
  /**
   * Calls `step` for each of `items`, in order, a stretch at a time; `check` runs before each and may end it by throwing.
   */
  each<T>(items: Iterable<T>, step: (item: T) => void, check: () => void): Promise<void>;
}

/** Makes turns that all computations of a process share, so that no two have a stretch in the same one. */
export function createTurns(clock: Clock): Turns {
  let last: Promise<void> = Promise.resolve();
  const mine = () => {
    last = last.then(nextTurn);
    return last;
  };
  return {
    async each(items, step, check) {
      await mine();
      check();
      let until = clock.now() + STRETCH_MS;
      for (const item of items) {
        if (clock.now() >= until) {
          await mine();
          check();
          until = clock.now() + STRETCH_MS;
        }
        step(item);
      }
    },
  };
}
