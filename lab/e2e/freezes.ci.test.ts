/** A job during which its process is frozen, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createPool, type Database, migrate, outcomesSchema } from '@rondo/database';
import { eventually, freePort, startWorker } from '@rondo/harness';
import { type Postgres, startPostgres } from '@rondo/harness/postgres';
import { createJobs, jobsSchema } from '@rondo/jobs';
import { silentLogger as log } from '@rondo/rpc/call';
import { createTestChannel } from '@rondo/rpc/testing';

const PROCESS = new URL('./src/poisons-process.mjs', import.meta.url);
/** The deadline of the call, and the end of its connection, are 5 s after the freeze began. */
const FROZEN_MS = 10_000;
/** How often a process is frozen until jobs wait for its answer. */
const ROUNDS = 10;
const { doChore } = ChoreServiceDefinition.methods;

let postgres: Postgres;
let database: Database;
const replicas = new Map<string, ReturnType<typeof startWorker>>();

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: false } });
  const url = await postgres.createDatabase('freezes');
  database = createPool({ url });
  for (const { name: part, migrations } of [jobsSchema, outcomesSchema]) await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (message text NOT NULL)');
  await database.query('CREATE TABLE runs (message text NOT NULL, instance text NOT NULL)');
  const addresses = (await Promise.all([freePort(), freePort(), freePort()])).map((port) => `127.0.0.1:${port}`);
  for (const listen of addresses) {
    const worker = startWorker(PROCESS);
    replicas.set(listen, worker);
    await worker.ask('work', { url, listen, replicas: addresses, saysUptime: true, overWire: true });
  }
});
afterAll(async () => {
  for (const worker of replicas.values()) await worker.close();
  await database.close();
  await postgres.stop();
});

it('is called again, and takes effect once, as its process lives on', async () => {
  const channel = createTestChannel({ services: [] });
  const jobs = createJobs({ database, services: [ChoreServiceDefinition], channel, log }); // that only enqueues
  await database.transaction((transaction) =>
    jobs.enqueue(transaction, doChore, { request: { chore: 'freeze-0' }, key: 'freeze-0' }),
  );
  for (const count of [1, 2]) {
    const frozen = await eventually(async () => {
      const runs = await database.query<{ instance: string }>('SELECT instance FROM runs');
      expect(runs).toHaveLength(count);
      return runs.at(-1)?.instance ?? '';
    });
    await sleep(FROZEN_MS);
    replicas.get(frozen)?.signal('SIGCONT');
  }
  await eventually(async () => expect(await database.query('SELECT FROM jobs WHERE NOT failed')).toEqual([]));
  expect(await database.query('SELECT ends, error FROM jobs')).toEqual([]);
  expect(await database.query('SELECT message FROM effects')).toEqual([{ message: 'freeze-0' }]);
  await jobs.close();
});

it('and jobs that wait for its answer keep no others waiting', async () => {
  const jobs = createJobs({
    database,
    services: [ChoreServiceDefinition],
    channel: createTestChannel({ services: [] }),
    log,
  });
  const [frozen] = replicas.values();
  const all = 200;
  const effects = (like: string) =>
    database.query('SELECT message FROM effects WHERE message LIKE $1 GROUP BY message', [like]);
  let waiting = 0;
  // Its silence may be noticed before a call goes to it: then none waits, and it is frozen again.
  for (let round = 0; waiting === 0 && round < ROUNDS; round += 1) {
    await database.transaction(async (transaction) => {
      for (let index = 0; index < all; index += 1)
        await jobs.enqueue(transaction, doChore, { request: { chore: `other-${round}-${index}` } });
    });
    await eventually(async () => expect(await effects(`other-${round}-%`)).not.toEqual([]));
    frozen?.signal('SIGSTOP');
    await eventually(
      async () => {
        const left = await database.query('SELECT attempts, claim IS NOT NULL AS running, ends FROM jobs');
        expect(left).toEqual(Array.from(left, () => ({ attempts: 1, running: true, ends: 1 })));
        waiting = left.length;
      },
      { timeoutMs: 30_000 },
    );
    frozen?.signal('SIGCONT');
    await eventually(async () => expect(await database.query('SELECT FROM jobs')).toEqual([]));
    expect(await effects(`other-${round}-%`)).toHaveLength(all);
  }
  expect(waiting).toBeGreaterThan(0);
  await jobs.close();
});
