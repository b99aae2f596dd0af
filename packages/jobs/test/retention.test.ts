import { expect, it } from '@jest/globals';

import type { Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { systemRandom } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';
import { pruneFailed } from '../src/retention.js';
import { eachWithDatabase, eventually } from './fixture.js';

let database: Database;
eachWithDatabase((own) => {
  database = own;
});

it('removes failed calls that are older than 90 days or more than 100,000, unless they hold up their lane', async () => {
  await database.query(
    `INSERT INTO jobs (method, key, request, due_time, create_time, failed, lane)
     SELECT 'a/b', 'recent ' || n, ''::bytea, now(), now() - n * interval '1 second', true, NULL FROM generate_series(1, 101500) AS n
     UNION ALL SELECT 'a/b', 'old', ''::bytea, now(), now() - interval '91 days', true, NULL
     UNION ALL SELECT 'a/b', 'of a key', ''::bytea, now(), now() - interval '91 days', true, 'key'
     UNION ALL SELECT 't:g', 'in its lane', ''::bytea, now(), now() - interval '91 days', true, 'lane'
     UNION ALL SELECT 'a/b', 'waits', ''::bytea, now(), now() - interval '91 days', false, NULL`,
  );
  const lines: string[] = [];
  const log = { warn: (_: object, line: string) => void lines.push(line) };
  const clock = new ManualClock();
  const pruning = pruneFailed({ database, log: { ...silentLogger, ...log }, clock, random: systemRandom });
  await clock.advance(900_000);
  await eventually(() => expect(lines).toEqual([expect.stringMatching(/^1502 failed calls were removed/)]));
  await pruning.close();
  const oldest = 'SELECT key FROM jobs ORDER BY create_time, key LIMIT 3';
  expect(await database.query(oldest)).toEqual([{ key: 'in its lane' }, { key: 'waits' }, { key: 'recent 100000' }]);
});
