/**
 * A PostgreSQL server of its own for a test file.
 *
 * ```ts
 * import { startTestPostgres } from '@rondo/database/testing';
 *
 * const postgres = await startTestPostgres();
 * const database = createPool({ url: await postgres.createDatabase() });
 * afterAll(() => postgres.stop());
 * ```
 */

export { startTestCluster } from '../testing/test-cluster.js';
export {
  clockIsShifted,
  eventually,
  freePort,
  startTestPostgres,
  type TestPostgres,
  waitingForLocks,
} from '../testing/test-postgres.js';
