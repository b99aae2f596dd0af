import { types } from 'node:util';
import { backoffMs, hostUrls, sleep, systemClock, systemRandom } from '@rondo/base';
import { DatabaseUnavailable, sqlStateOf } from './errors.js';
import { migrate } from './migrate.js';
import type { SchemaPart } from './migration.js';
import { replicationFaults } from './replication.js';
import type { Database } from './sql.js';

/** What is migrated. */
export interface ReadinessOptions {
  /** The folder of the service's migrations. */
  readonly directory: URL;
  /** Tables of packages in the same database; applied first, in this order. */
  readonly parts?: readonly SchemaPart[];
  /** Receives one line per applied migration. */
  readonly log?: (line: string) => void;
  /** Receives a warning about migrations of a newer version, or about replication; `log` by default. */
  readonly warn?: (line: string) => void;
}

/** What a service does with its database before it serves, and while it does. */
export interface Readiness {
  /** Migrates the schema, however long that takes, and warns if a failover of the database would lose writes. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Resolves if the database answers. */
  check(signal: AbortSignal): Promise<void>;
}

/** Creates the `prepare` and the `check` of a service's dependency on its database. */
export function createReadiness(database: Database, options: ReadinessOptions): Readiness {
  const { directory, parts = [], ...tell } = options;
  return {
    async prepare(signal) {
      for (const { name, migrations } of parts) {
        await migrate(database, { part: name, migrations, ...tell, signal });
      }
      await migrate(database, { directory, ...tell, signal });
      for (const fault of await replicationFaults(database, { signal })) (tell.warn ?? tell.log)?.(fault);
    },
    check: (signal) => database.check({ signal }),
  };
}

const BACKOFF = { baseMs: 100, maxMs: 2_000, random: systemRandom };

export interface WaitOptions {
  /** The name of the database in log lines; `describeUrl` derives it from an address. */
  readonly name: string;
  /** Time limit; default 60,000. With `Infinity` only `signal` ends the wait. */
  readonly timeoutMs?: number;
  /** Receives one line per failed attempt. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits with growing pauses until the database answers. It waits for an unavailable database, and for a database or
 * role that doesn't exist yet. Any other error is thrown at once.
 *
 * @throws DatabaseUnavailable after the time limit; the signal's reason when it aborts.
 */
export async function waitForDatabase(database: Database, options: WaitOptions): Promise<void> {
  const { name, timeoutMs = 60_000, log, signal } = options;
  const giveUpAt = performance.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const delayMs = backoffMs(attempt - 1, BACKOFF);
    try {
      return await database.check({ signal });
    } catch (error) {
      if (!types.isNativeError(error) || !isWorthWaiting(error)) throw error;
      if (performance.now() + delayMs > giveUpAt) {
        throw new DatabaseUnavailable(`${name} did not answer within ${timeoutMs} ms: ${error.message}`, error);
      }
      log?.(`waiting for ${name}: ${error.message}`);
    }
    await sleep(systemClock, delayMs, signal);
  }
}

/** 3D000 no such database, 28P01 and 28000 no such role: the provisioning step may still be running. */
function isWorthWaiting(error: Error): boolean {
  return error instanceof DatabaseUnavailable || /^(3D000|28P01|28000)$/.test(sqlStateOf(error) ?? '');
}

/** The loggable part of an address, without role and password: `database "sales" at localhost:5432`, with all hosts. */
export function describeUrl(url: string): string {
  const urls = hostUrls(url).map((one) => new URL(one));
  const places = urls.map(({ hostname, port }) => `${hostname}:${port || 5432}`).join(',');
  return `database "${decodeURIComponent(urls[0]?.pathname.slice(1) ?? '') || 'postgres'}" at ${places}`;
}
