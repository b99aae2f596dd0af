/** A bound on what hangs, and no measure of anything: a machine may be busy. */
const PATIENCE_MS = 120_000;

/**
 * Tries `attempt` until it doesn't throw, and returns what it returns.
 *
 * @throws what the last attempt threw, after two minutes.
 */
export async function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  const endsAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
