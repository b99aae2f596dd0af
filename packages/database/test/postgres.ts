import { afterAll, beforeAll } from '@jest/globals';
import { createPool, type PoolOptions } from '../src/pool.js';
import type { Database } from '../src/sql.js';
import { startTestPostgres, type TestPostgres } from '../src/testing/test-postgres.js';

/** A server for the tests of a file, which ends with them. */
export interface FilePostgres extends Omit<TestPostgres, 'stop'> {
  /** A pool that is closed after the tests, if they don't close it. */
  pool(options: PoolOptions): Database;
}

export function filePostgres(): FilePostgres {
  const pools: Database[] = [];
  let server: TestPostgres | undefined;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.close()));
    await server?.stop();
  });
  const running = () => {
    if (server === undefined) throw new Error('the server starts before the first test');
    return server;
  };
  return {
    get url() {
      return running().url;
    },
    get port() {
      return running().port;
    },
    get pid() {
      return running().pid;
    },
    createDatabase: () => running().createDatabase(),
    pool(options) {
      const pool = createPool(options);
      pools.push(pool);
      return pool;
    },
  };
}
