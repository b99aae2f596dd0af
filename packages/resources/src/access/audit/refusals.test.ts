import { expect, it } from '@jest/globals';
import type { Queries } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { ManualClock } from '@rondo/rpc/testing';
import { createRefusals } from './refusals.js';

const event = {
  subject: 'ada',
  issuer: 'test',
  process: '',
  actors: [],
  method: '/a.B/C',
  resource: '',
  code: 7,
  traceId: '0',
};
const refusal = { event, time: new Date(0) };

/** A database that writes when the test says so. */
function fakeDatabase() {
  const batches: number[] = [];
  let write: Promise<void> = Promise.resolve();
  const query = async (_sql: string, [rows]: readonly unknown[] = []) => {
    batches.push(JSON.parse(String(rows)).length);
    await write;
    return [];
  };
  const database = { query } as unknown as Queries;
  return {
    database,
    batches,
    fail: () => (write = Promise.reject(new Error('away'))),
    writeBy: (by: Promise<void>) => (write = by),
  };
}

it('writes what has been refused in a batch, a second after the first', async () => {
  const clock = new ManualClock();
  const { database, batches } = fakeDatabase();
  const refusals = createRefusals(database, { log: silentLogger, clock });
  for (let count = 0; count < 700; count += 1) refusals.add(refusal);
  expect(batches).toEqual([]);
  await clock.advance(1_000);
  await refusals.flush();
  expect(batches).toEqual([500, 200]);
  expect(refusals.lost).toBe(0);
});

it('counts the events of a batch that could not be written, and goes on', async () => {
  const { database, batches, fail, writeBy } = fakeDatabase();
  const refusals = createRefusals(database, { log: silentLogger, clock: new ManualClock() });
  fail();
  refusals.add(refusal);
  refusals.add(refusal);
  await refusals.flush();
  expect(refusals.lost).toBe(2);
  writeBy(Promise.resolve());
  refusals.add(refusal);
  await refusals.close();
  expect([batches, refusals.lost]).toEqual([[2, 1], 2]);
});

it('has a bound: while the database is away further events are counted, and adding never waits', async () => {
  const { database, writeBy } = fakeDatabase();
  const refusals = createRefusals(database, { log: silentLogger, clock: new ManualClock() });
  let end = (): void => undefined;
  writeBy(
    new Promise((resolve) => {
      end = resolve;
    }),
  );
  for (let count = 0; count < 5_007; count += 1) refusals.add(refusal);
  expect(refusals.lost).toBe(7);
  end();
  await refusals.close();
  refusals.add(refusal);
  expect(refusals.lost).toBe(8);
});
