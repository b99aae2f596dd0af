/** Jobs while their processes are killed and frozen, and their database restarts. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createPool, migrate, outcomesSchema } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { eventually, startWorker } from '@rondo/harness';
import { createJobs, jobsSchema } from '@rondo/jobs';
import { silentLogger } from '@rondo/rpc/call';
import { createTestChannel } from '@rondo/rpc/testing';

const PROCESS = new URL('./src/jobs-process.mjs', import.meta.url);
const [PROCESSES, FAULTS, BATCH] = [3, 40, 250] as const;
const { doChore, doAlone } = ChoreServiceDefinition.methods;

/** Enqueues jobs while faults happen, and waits until none is left. Resolves to how often each had its effect. */
async function effectsOf(method: typeof doChore | typeof doAlone, count: number): Promise<ReadonlyMap<string, bigint>> {
  const postgres = await startTestPostgres();
  const url = await postgres.createDatabase();
  const database = createPool({ url });
  for (const { name: part, migrations } of [jobsSchema, outcomesSchema]) await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (chore text NOT NULL)');
  const begin = async () => {
    const worker = startWorker(PROCESS);
    await worker.ask('work', { url });
    return worker;
  };
  const workers = await Promise.all(Array.from({ length: PROCESSES }, begin));
  const channel = createTestChannel({ services: [] });
  const jobs = createJobs({ database, services: [ChoreServiceDefinition], channel, log: silentLogger });
  const enqueueAll = async () => {
    for (let first = 0; first < count; first += BATCH)
      await database.transaction(async (transaction) => {
        for (let index = first; index < Math.min(count, first + BATCH); index += 1)
          await jobs.enqueue(transaction, method, { request: { chore: `${index}` } });
      });
  };
  const left = () => database.one<{ left: bigint }>('SELECT count(*) AS left FROM jobs');
  const disturb = async () => {
    for (let fault = 0; fault < FAULTS; fault += 1) {
      await sleep(Math.random() * 1_000); // when a fault happens is what is random here
      const victim = Math.floor(Math.random() * PROCESSES);
      const worker = workers[victim];
      if (fault % 10 === 9) {
        worker?.signal('SIGSTOP'); // for longer than it has its jobs
        await database.query('UPDATE jobs SET due_time = now() WHERE claim IS NOT NULL');
        await sleep(500);
        worker?.signal('SIGCONT');
      } else {
        await worker?.close();
        // Others would take its jobs over in half a minute.
        await database.query('UPDATE jobs SET due_time = now() WHERE claim IS NOT NULL');
        workers[victim] = await begin();
      }
    }
  };
  await Promise.all([enqueueAll(), disturb()]);
  await eventually(async () => expect((await left()).left).toBe(0n), { timeoutMs: 1_200_000 });
  const rows = await database.query<{ chore: string; times: bigint }>(
    'SELECT chore, count(*) AS times FROM effects GROUP BY chore',
  );
  await Promise.all(workers.map((worker) => worker.close()));
  await jobs.close();
  await database.close();
  await postgres.stop();
  return new Map(rows.map(({ chore, times }) => [chore, times]));
}

it('10,000 jobs have one effect each, over 40 kills and freezes', async () => {
  const effects = await effectsOf(doChore, 10_000);
  expect(effects.size).toBe(10_000);
  expect([...effects].filter(([, times]) => times !== 1n)).toEqual([]);
});

it('without a key some have two', async () => {
  const effects = await effectsOf(doAlone, 3_000);
  expect(effects.size).toBe(3_000);
  expect([...effects.values()].filter((times) => times > 1n).length).toBeGreaterThan(0);
});
