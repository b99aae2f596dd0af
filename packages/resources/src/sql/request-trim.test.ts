import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { ManualClock } from '@rondo/rpc/testing';
import { startRequestTrim, type TrimmedDatabase } from './request-trim.js';

const HOUR_MS = 3_600_000;

describe('the trimming of requests', () => {
  let server: TestPostgres;
  let database: Database;
  beforeAll(async () => {
    server = await startTestPostgres();
    database = createPool({ url: await server.createDatabase() });
    await database.query(
      'CREATE TABLE requests (method text, request_id uuid, create_time timestamptz, PRIMARY KEY (method, request_id))',
    );
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it('removes requests older than 31 days in batches, every hour, until it is closed', async () => {
    const add = (count: number, days: number) =>
      database.query(
        `INSERT INTO requests SELECT 'PlaceOrder', gen_random_uuid(), now() - make_interval(days => $2)
         FROM generate_series(1, $1)`,
        [count, days],
      );
    const count = async () => (await database.one<{ count: bigint }>('SELECT count(*) FROM requests')).count;
    await add(2_500, 32);
    await add(3, 30);
    const clock = new ManualClock();
    let rounds = 0;
    const settled: (() => void)[] = [];
    const counting: TrimmedDatabase = {
      async one<Row extends object>(...statement: Parameters<TrimmedDatabase['one']>) {
        const row = await database.one<Row & { removed: bigint }>(...statement);
        rounds += 1;
        if (row.removed < 1_000n) settled.shift()?.();
        return row;
      },
    };
    const round = async () => {
      const done = new Promise<void>((resolve) => settled.push(resolve));
      await clock.advance(HOUR_MS);
      await done;
    };
    const trim = startRequestTrim(counting, {
      requests: { table: 'requests', scope: 'method' },
      clock,
      random: { next: () => 0.5, hex: () => '' },
      onError: (error) => expect(error).toBeUndefined(),
    });
    try {
      await clock.advance(HOUR_MS - 1);
      expect(await count()).toBe(2_503n);
      await round();
      expect([await count(), rounds]).toEqual([3n, 3]);

      await add(1, 32);
      await database.transaction(async (other) => {
        await other.query("SELECT pg_advisory_xact_lock(hashtextextended('rondo trims requests', 0))");
        await round();
      });
      expect(await count()).toBe(4n);
      await round();
      expect(await count()).toBe(3n);
    } finally {
      await trim.close();
    }
    await add(1, 32);
    await clock.advance(10 * HOUR_MS);
    expect(await count()).toBe(4n);
  });
});
