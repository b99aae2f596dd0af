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

/** Resolves to the line of the log about what was removed. */
async function pruned(): Promise<string | undefined> {
  const lines: string[] = [];
  const log = { warn: (_: object, line: string) => void lines.push(line) };
  const clock = new ManualClock();
  const pruning = pruneFailed({ database, log: { ...silentLogger, ...log }, clock, random: systemRandom });
  await clock.advance(900_000);
  await eventually(() => expect(lines).toHaveLength(1));
  await pruning.close();
  return lines[0];
}

it('removes failed calls that are older than 90 days or more than 100,000, unless they hold up their lane', async () => {
  await database.query(
    `INSERT INTO jobs (method, key, request, due_time, create_time, failed, lane)
     SELECT 'a/b', 'recent ' || n, ''::bytea, now(), now() - n * interval '1 second', true, NULL FROM generate_series(1, 101500) AS n
     UNION ALL SELECT 'a/b', 'old', ''::bytea, now() - interval '91 days', now() - interval '91 days', true, NULL
     UNION ALL SELECT 'a/b', 'of a key', ''::bytea, now() - interval '91 days', now() - interval '91 days', true, 'key'
     UNION ALL SELECT 't:g', 'in its lane', ''::bytea, now(), now() - interval '91 days', true, 'lane'
     UNION ALL SELECT 'a/b', 'waits', ''::bytea, now(), now() - interval '91 days', false, NULL`,
  );
  expect(await pruned()).toMatch(/^1502 failed calls were removed/);
  const oldest = 'SELECT key FROM jobs ORDER BY create_time, key LIMIT 3';
  expect(await database.query(oldest)).toEqual([{ key: 'in its lane' }, { key: 'waits' }, { key: 'recent 100000' }]);
});

it('keeps a call for 90 days since it failed, however long it waited before', async () => {
  await database.query(
    `INSERT INTO jobs (method, key, request, due_time, create_time, failed)
     SELECT 'a/b', days || ' days ago', ''::bytea, now() - days * interval '1 day', now() - interval '1 year', true
     FROM unnest(ARRAY[1, 89, 91]) AS days`,
  );
  expect(await pruned()).toMatch(/^1 failed calls were removed/);
  const left = [{ key: '1 days ago' }, { key: '89 days ago' }];
  expect(await database.query('SELECT key FROM jobs ORDER BY key')).toEqual(left);
});
