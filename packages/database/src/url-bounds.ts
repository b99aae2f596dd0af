/** Timeouts in milliseconds. */
export interface UrlBounds {
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
}

const TLS_KEYS = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'];

/**
 * The timeouts in a database's address: `connect_timeout` in whole seconds, as in libpq; `statement_timeout` and
 * `lock_timeout` in milliseconds, as in PostgreSQL. They override a program's own timeouts, because the operator who
 * writes the address knows the database and the machine. 0, which means no limit in PostgreSQL, and invalid values are
 * ignored: every wait has a limit.
 *
 * @throws TypeError for a key such as `tls` or `sslMode`, which the driver passes over: the connection would be in plaintext.
 */
export function boundsOf(url: string): UrlBounds {
  const keys = [...url.matchAll(/[?&]((?:ssl|tls)[^=&]*)/gi)].map(([, key = '']) => key);
  const unknown = keys.find((key) => !TLS_KEYS.includes(key));
  if (unknown !== undefined)
    throw new TypeError(`${unknown} in the URL of a database is none of ${TLS_KEYS.join(', ')}`);
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
