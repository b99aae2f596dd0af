/**
 * A database of its own for a test file, on an embedded server that all test files share.
 *
 * ```ts
 * import { startTestPostgres } from '@rondo/database/testing';
 *
 * const postgres = await startTestPostgres();
 * const database = createPool({ url: await postgres.createDatabase(), log: silentLogger });
 * afterAll(() => postgres.stop());
 * ```
 */

export {
  clockIsShifted,
  eventually,
  freePort,
  startTestPostgres,
  type TestPostgres,
} from '../testing/test-postgres.js';
