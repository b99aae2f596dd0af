/** How long a pool waits for a connection when nothing else is said. */
const DEFAULT_MS = 3_000;

/**
 * How long to wait for a connection: the `connect_timeout` of a database's address, in whole seconds as libpq has it, and
 * 3,000 ms without one. Milliseconds. libpq takes 0 for no bound at all; here it is no answer, as every wait has a bound.
 */
export function connectTimeoutOf(url: string): number {
  const [, seconds = ''] = /[?&]connect_timeout=(\d{1,6})(?:&|$)/.exec(url) ?? [];
  return Number(seconds) * 1_000 || DEFAULT_MS;
}
