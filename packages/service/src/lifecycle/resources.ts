/** What a process holds, in the order in which it came to hold it. */
export interface Resources {
  /** Adds a resource by what lets go of it. */
  hold(release: () => Promise<void> | void): void;
  /**
   * Lets go of all, the latest first.
   *
   * @throws AggregateError of what failed, once all have been tried.
   */
  release(): Promise<void>;
}

/** Makes an empty collection. */
export function createResources(): Resources {
  const releases: (() => Promise<void> | void)[] = [];
  return {
    hold: (release) => void releases.push(release),
    async release() {
      const failures: unknown[] = [];
      for (const release of releases.splice(0).reverse()) {
        try {
          await release();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
    },
  };
}
