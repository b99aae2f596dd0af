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
