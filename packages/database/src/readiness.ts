import { migrate } from './migrate.js';
import type { Database } from './sql.js';

/** What a readiness check brings up to date. */
export interface ReadinessOptions {
  /** The folder of the migrations. */
  readonly directory: URL;
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
  let migrated = false;
  return async (signal) => {
    if (!migrated) await migrate(database, { ...options, signal });
    migrated = true;
    await database.check({ signal });
  };
}
