/** How long things may take, in milliseconds. */
export interface UrlBounds {
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

/**
 * The bounds that a database's address states: `connect_timeout` in whole seconds, as libpq has it, `statement_timeout` and
 * `lock_timeout` in milliseconds, as PostgreSQL has them. Who writes an address knows the database and the machine: they take
 * the place of a program's own. 0, which PostgreSQL takes for no bound, and what is no number are left out: every wait has a
 * bound.
 */
export function boundsOf(url: string): UrlBounds {
  const connectS = boundIn(url, 'connect_timeout');
  const statementTimeoutMs = boundIn(url, 'statement_timeout');
  const lockTimeoutMs = boundIn(url, 'lock_timeout');
  return {
    ...(connectS > 0 && { connectTimeoutMs: connectS * 1_000 }),
    ...(statementTimeoutMs > 0 && { statementTimeoutMs }),
    ...(lockTimeoutMs > 0 && { lockTimeoutMs }),
  };
}

function boundIn(url: string, name: string): number {
  const [, value = '0'] = new RegExp(`[?&]${name}=(\\d{1,8})(?:&|$)`).exec(url) ?? [];
  return Number(value);
}
