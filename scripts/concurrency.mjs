/** So many calls at a time: enough to keep the services busy, and few enough that none waits for long. */
const AT_A_TIME = 16;

/** Does something with each item, some at a time; the results stand in the items' order. The first failure ends it. */
export async function inTurn(items, work) {
  const results = new Array(items.length);
  const left = items.entries();
  let failed = false;
  const worker = async () => {
    // One iterator for all workers: each takes the next item that nobody has.
    for (const [index, item] of left) {
      if (failed) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return results;
}

/** Lets so many at a time do something; the others wait for their turn. */
export function createGate(width) {
  const waiting = [];
  let inside = 0;
  return async (work) => {
    if (inside < width) inside += 1;
    else await new Promise((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever comes next takes over the place.
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}

/** One thing after the other. */

/**
 * @returns {<T>(work: () => Promise<T>) => Promise<T>} Begins each work when the one before has ended, however it did.
 */
export function createTurns() {
  let last = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
