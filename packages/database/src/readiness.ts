import { types } from 'node:util';
import { backoffMs, sleep } from './backoff.js';
import { DatabaseUnavailable, sqlStateOf } from './errors.js';
import { migrate } from './migrate.js';
import type { SchemaPart } from './migration.js';
import type { Database } from './sql.js';

/** What a readiness check brings up to date. */
export interface ReadinessOptions {
  /** The folder of the migrations. */
  readonly directory: URL;
  /** What packages bring into the same database; applied first, in this order. */
  readonly parts?: readonly SchemaPart[];
  /** Told one line for each migration that was applied. */
  readonly log?: (line: string) => void;
  /** Told of migrations that a newer version applied; `log` by default. */
  readonly warn?: (line: string) => void;
}

/** A check that the database answers; it brings the schema up to date before it first succeeds. */
export function createReadinessCheck(
  database: Database,
  options: ReadinessOptions,
): (signal: AbortSignal) => Promise<void> {
  const { directory, parts = [], ...tell } = options;
  let migrated = false;
  return async (signal) => {
    if (!migrated) {
      for (const { name, migrations } of parts) {
        await migrate(database, { part: name, migrations, ...tell, signal });
      }
      await migrate(database, { directory, ...tell, signal });
    }
    migrated = true;
    await database.check({ signal });
  };
}

const BACKOFF = { baseMs: 100, maxMs: 2_000 };

/** How long to wait and whom to tell. */
export interface WaitOptions {
  /** What is waited for, in the lines of `log`; `describeUrl` makes it from an address. */
  readonly name: string;
  /** Gives up after this; default 60,000, `Infinity` waits until `signal`. */
  readonly timeoutMs?: number;
  /** Told one line for each failed attempt. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits, with a growing pause, until the database answers. A database that is away, and one whose database or role is
 * not made yet, are waited for; any other fault is thrown at once.
 *
 * @throws DatabaseUnavailable when the time is over; the signal's reason when it aborts.
 */
export async function waitForDatabase(database: Database, options: WaitOptions): Promise<void> {
  const { name, timeoutMs = 60_000, log, signal } = options;
  const giveUpAt = performance.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const delayMs = backoffMs(attempt, BACKOFF);
    try {
      return await database.check({ signal });
    } catch (error) {
      if (!types.isNativeError(error) || !isWorthWaiting(error)) throw error;
      if (performance.now() + delayMs > giveUpAt) {
        throw new DatabaseUnavailable(`${name} did not answer within ${timeoutMs} ms: ${error.message}`, error);
      }
      log?.(`waiting for ${name}: ${error.message}`);
    }
    await sleep(delayMs, signal);
  }
}

/** 3D000 no such database, 28P01 and 28000 no such role: the provisioning step may still be running. */
function isWorthWaiting(error: Error): boolean {
  return error instanceof DatabaseUnavailable || /^(3D000|28P01|28000)$/.test(sqlStateOf(error) ?? '');
}

/** `database "sales" at localhost:5432`: an address as it may be logged, without role and password. */
export function describeUrl(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `database "${decodeURIComponent(pathname.slice(1)) || 'postgres'}" at ${hostname}:${port || 5432}`;
}
