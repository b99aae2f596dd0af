import { type Database, migrate } from '@rondo/database';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

/** A check that the database answers; it brings the schema up to date before it first succeeds. */
export function createReadinessCheck(
  database: Database,
  log: (line: string) => void,
): (signal: AbortSignal) => Promise<void> {
  let migrated = false;
  return async (signal) => {
    if (!migrated) await migrate(database, { directory: MIGRATIONS, log, signal });
    migrated = true;
    await database.check({ signal });
  };
}
