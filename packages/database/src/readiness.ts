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
