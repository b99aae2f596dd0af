import { expect, it } from '@jest/globals';
import type { Meter } from '@opentelemetry/api';
import { createPool } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { meterSync } from './metrics.js';
import { syncSchema } from './schema.js';

it('tells the age of the oldest change that waits for a relay', async () => {
  const server = await startTestPostgres();
  const database = createPool({ url: await server.createDatabase() });
  for (const { sql } of syncSchema.migrations ?? []) await database.transaction(({ script }) => script(sql));
  let read: (result: { observe(gauge: unknown, value: number): void }) => Promise<void> = async () => undefined;
  const meter = {
    createObservableGauge: () => ({ addCallback: () => undefined }),
    addBatchObservableCallback: (callback: typeof read) => {
      read = callback;
    },
  };
  meterSync(meter as unknown as Meter, database, () => 0);
  const lag = () => new Promise<number>((resolve, reject) => read({ observe: (_, s) => resolve(s) }).catch(reject));
  expect(await lag()).toBe(0);
  const insert = `INSERT INTO sync_outbox (topic, payload, create_time) VALUES ('t', '{}', now() - $1 * interval '1 s')`;
  for (const age of [40, 20]) await database.query(insert, [age]);
  expect(await lag()).toBeGreaterThanOrEqual(40);
  await database.query('SELECT sync_relay(1)');
  expect(await lag()).toBeLessThan(40);
  await database.query('SELECT sync_relay(1)');
  expect(await lag()).toBe(0);
  await database.close();
  await server.stop();
});
