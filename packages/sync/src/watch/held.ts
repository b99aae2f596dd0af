/** Parts of snapshots that wait in memory for their readers: so many, of all watches together. */
export interface HeldParts {
  /** Counts one more; false where there are as many as there may be. */
  take(): boolean;
  give(count: number): void;
}

/** Makes room for so many parts. */
export function createHeldParts(most: number): HeldParts {
  let held = 0;
  return {
    take() {
      if (held >= most) return false;
      held += 1;
      return true;
    },
    give(count) {
      held -= count;
    },
  };
}
