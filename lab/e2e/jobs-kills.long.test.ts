/** Jobs while their processes are killed and frozen, and their database restarts. */
import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createPool, migrate, outcomesSchema } from '@rondo/database';
import { eventually } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { createJobs, jobsSchema } from '@rondo/jobs';
import { silentLogger } from '@rondo/rpc/call';
import { createTestChannel } from '@rondo/rpc/testing';
import { startVictims } from './src/victims.js';

const PROCESS = new URL('./src/jobs-process.mjs', import.meta.url);
const [PROCESSES, FAULTS, BATCH] = [3, 40, 250] as const;
const { doChore, doAlone } = ChoreServiceDefinition.methods;

/** Enqueues jobs while faults happen, and waits until none is left. Resolves to how often each had its effect. */
async function effectsOf(method: typeof doChore | typeof doAlone, count: number): Promise<ReadonlyMap<string, bigint>> {
  const postgres = await startPostgres({ settings: { fsync: false } }); // commits survive its crash, not the machine's
  const url = await postgres.createDatabase('kills');
  const database = createPool({ url });
  for (const { name: part, migrations } of [jobsSchema, outcomesSchema]) await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (chore text NOT NULL)');
  await database.query('CREATE TABLE batches (first integer PRIMARY KEY)');
  const victims = await startVictims(PROCESS, Array(PROCESSES).fill({ url }), postgres);
  const channel = createTestChannel({ services: [] });
  const jobs = createJobs({ database, services: [ChoreServiceDefinition], channel, log: silentLogger });
  const enqueueAll = async () => {
    for (let first = 0; first < count; first += BATCH)
      await eventually(() =>
        database.transaction(async (transaction) => {
          // A transaction that has failed may have committed.
          const claim = 'INSERT INTO batches (first) VALUES ($1) ON CONFLICT DO NOTHING RETURNING first';
          if ((await transaction.query(claim, [first])).length === 0) return;
          for (let index = first; index < Math.min(count, first + BATCH); index += 1)
            await jobs.enqueue(transaction, method, { request: { chore: `${index}` } });
        }),
      );
  };
  const left = async () => {
    // An operator tries those again that faults have failed too often.
    await database.query('UPDATE jobs SET failed = false, attempts = 0, due_time = now() WHERE failed');
    return (await database.one<{ left: bigint }>('SELECT count(*) AS left FROM jobs')).left;
  };
  await Promise.all([enqueueAll(), victims.disturb(FAULTS)]);
  await eventually(async () => expect(await left()).toBe(0n), { timeoutMs: 1_200_000 });
  const rows = await database.query<{ chore: string; times: bigint }>(
    'SELECT chore, count(*) AS times FROM effects GROUP BY chore',
  );
  await victims.close();
  await jobs.close();
  await database.close();
  await postgres.stop();
  return new Map(rows.map(({ chore, times }) => [chore, times]));
}

it('10,000 jobs have one effect each, over 40 kills, freezes and crashes of the database', async () => {
  const effects = await effectsOf(doChore, 10_000);
  expect(effects.size).toBe(10_000);
  expect([...effects].filter(([, times]) => times !== 1n)).toEqual([]);
});

it('without a key some have two', async () => {
  const effects = await effectsOf(doAlone, 10_000);
  expect(effects.size).toBe(10_000);
  expect([...effects.values()].filter((times) => times > 1n).length).toBeGreaterThan(0);
});
