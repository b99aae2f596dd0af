/** How often the loops of transactions and sagas ask their database. */
import { expect, it } from '@jest/globals';
import { createPool, type Database } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { createCoordinator } from '../src/coordinator/coordinator.js';
import { createSagas } from '../src/saga/sagas.js';

const clock = new ManualClock();
const shared = { log: silentLogger, clock };

/** A database in which a claim finds `rows`. Tells when it was asked, in milliseconds from now. */
function recordingDatabase(rows: object[]) {
  const [beganAt, asked]: [number, number[]] = [clock.now(), []];
  const query = async () => {
    asked.push(clock.now() - beganAt);
    return rows.splice(0);
  };
  // The statement that asks for sagas returns rows of its own.
  const database = { ...createPool({ url: 'postgres://nowhere' }), query: query as Database['query'] };
  return { database, asked };
}

it('a coordinator asks at growing intervals at rest, and soon after it has found a transaction', async () => {
  const rows: object[] = [];
  const { database, asked } = recordingDatabase(rows);
  const channel = createTestChannel({ services: [] });
  const coordinator = createCoordinator({ ...shared, name: 'shop', database, channel });
  coordinator.start();
  await clock.advance(7_000);
  expect(asked).toEqual([0, 1_000, 3_000, 5_000, 7_000]);
  rows.push({ id: 'left by another', decision: 'aborted', participants: [] });
  await clock.advance(3_500);
  expect(asked.filter((at) => at > 7_000 && at !== 9_000)).toEqual([9_500, 10_500]);
  await coordinator.close();
});

it('sagas are asked for at growing intervals at rest', async () => {
  const { database, asked } = recordingDatabase([]);
  const sagas = createSagas({ ...shared, database });
  sagas.define({ kind: 'cancel', steps: [{ name: 'a', run: async () => undefined }] });
  sagas.start();
  await clock.advance(15_000);
  expect(new Set(asked)).toEqual(new Set([0, 2_000, 6_000, 10_000, 14_000]));
  await sagas.close();
});
