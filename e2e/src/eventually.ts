/**
 * Tries `attempt` until it doesn't throw, and returns what it returns.
 *
 * @throws what the last attempt threw, after `timeoutMs`.
 */
export async function eventually<T>(timeoutMs: number, attempt: () => T | Promise<T>): Promise<T> {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
