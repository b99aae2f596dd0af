/**
 * Runs of workflows while their processes are killed, also at each edge of each step, and frozen, and while their database crashes. The
 * variables `RUNS` and `FAULTS` say how many there are; with `EVERY=10` a process is killed at every tenth edge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Approval, HireResponse, HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createPool, type Database, migrate, outcomesSchema, type Queries } from '@rondo/database';
import { eventually, freePort, startWorker } from '@rondo/harness';
import { type Postgres, startPostgres } from '@rondo/harness/postgres';
import { createJobs, workflow } from '@rondo/jobs';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver, waitFor } from '@rondo/rpc/client';
import { createTestChannel } from '@rondo/rpc/testing';
import { startVictims } from './src/victims.js';

const PROCESS = new URL('./src/workflow-process.mjs', import.meta.url);
/** Each kill waits until another process has the run: so many wait at once. */
const LANES = [1, 2, 3, 4, 5, 6];
const LOST = 0.2;
const WAIT = { timeoutMs: 1_200_000 };
const [RUNS, BATCH] = [Number(process.env['RUNS'] ?? 2_000), 40];
const FAULTS = Number(process.env['FAULTS'] ?? 40);
const EVERY = Number(process.env['EVERY'] ?? 1);
const SERVICES = ['AccountService', 'DeskService', 'PayrollService'].map((name) => `rondo.conformance.v1.${name}`);
const { hire, dismiss } = HiringServiceDefinition.methods;

let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: false, max_connections: 300 } }); // commits survive its crash, not the machine's
});
afterAll(() => postgres.stop());

async function createDatabase(name: string): Promise<{ readonly url: string; readonly database: Database }> {
  const url = await postgres.createDatabase(name);
  const database = createPool({ url });
  const none = createTestChannel({ services: [] });
  const own = { database, channel: none, log: silentLogger, services: [HiringServiceDefinition] };
  const { schema = [] } = createJobs({ ...own, workflows: [workflow(hire, async () => ({}))] });
  for (const { name: part, migrations } of [...schema, outcomesSchema]) await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (entry text NOT NULL)');
  return { url, database };
}

/** The services that runs call, each in a process of its own. */
async function startCalled(name: string) {
  const { url, database } = await createDatabase(name);
  const workers = await Promise.all(
    SERVICES.map(async (service) => {
      const [worker, listen] = [startWorker(PROCESS), `127.0.0.1:${await freePort()}`];
      await worker.ask('serve', { url, listen });
      return { worker, address: [service, listen] as const };
    }),
  );
  return {
    database,
    addresses: Object.fromEntries(workers.map(({ address }) => address)),
    async close() {
      await Promise.all(workers.map(({ worker }) => worker.close()));
      await database.close();
    },
  };
}

/** How often each effect happened, of those in any of these databases. */
async function effectsIn(databases: readonly Database[]) {
  const sql = 'SELECT entry, count(*)::integer AS times FROM effects GROUP BY entry';
  const rows = await Promise.all(databases.map((one) => one.query<{ entry: string; times: number }>(sql)));
  const twice = rows.flat().filter(({ times }) => times > 1);
  return { count: rows.flat().length, twice: twice.map(({ entry }) => entry) };
}

interface Kills {
  readonly name: string;
  readonly wild?: boolean;
  readonly step?: boolean;
}

/** Kills the process that has begun a run at each edge of it. Another one goes on, to which replies get lost. Resolves once all runs have ended. */
async function killAtEachEdge({ name, ...kind }: Kills) {
  const called = await startCalled(`${name}_called`);
  const start = async (url: string, more: object) => {
    const [worker, listen] = [startWorker(PROCESS), `127.0.0.1:${await freePort()}`];
    await worker.ask('work', { url, listen, addresses: called.addresses, ...kind, ...more });
    const channel = createChannel({ resolver: staticResolver([listen]) });
    return { worker, channel, client: createClient(HiringServiceDefinition, { channel }) };
  };
  const lanes = await Promise.all(
    LANES.map(async (lane) => {
      const own = await createDatabase(`${name}_${lane}`);
      return { ...own, other: await start(own.url, { lost: LOST }) };
    }),
  );
  let runs = 0;
  /** Resolves to how many edges the process has passed; undefined if it was killed. */
  const run = async ({ url, other }: (typeof lanes)[number], killAt?: number) => {
    const first = await start(url, { killAt });
    runs += 1;
    const request = { person: `${runs}` };
    const options = { metadata: { 'idempotency-key': `run-${runs}` } };
    const operation = await first.client
      .hire(request, options)
      .catch(() => eventually(() => other.client.hire(request, options)));
    // On a busy machine a database may not answer in time.
    await eventually(() => waitFor(hire, operation, { channel: other.channel, timeoutMs: 300_000 }));
    const passed = await first.worker.ask('passed').catch(() => undefined);
    first.channel.close();
    await first.worker.close();
    return passed;
  };
  const edges = Number(await run(lanes[0] ?? never()));
  const kills = Array.from({ length: Math.floor(edges / EVERY) }, (_, index) => (index + 1) * EVERY);
  let survived = 0;
  await Promise.all(
    lanes.map(async (lane) => {
      // Rarely the other process begins the run.
      for (let at = kills.pop(); at !== undefined; at = kills.pop())
        if ((await run(lane, at)) !== undefined && (await run(lane, at)) !== undefined) survived += 1;
    }),
  );
  const effects = await effectsIn([called.database, ...lanes.map(({ database }) => database)]);
  for (const { other, database } of lanes) {
    other.channel.close();
    await other.worker.close();
    await database.close();
  }
  await called.close();
  process.stdout.write(
    `${name}: ${runs} runs, ${edges} edges, ${effects.count} effects, twice: ${effects.twice.length}\n`,
  );
  return { edges, runs, survived, ...effects };
}

const never = () => {
  throw new Error('there are lanes');
};

it.each([1, 2, 3])(
  'each effect happens once, with kill -9 at each edge of each step and lost replies, and every run ends: %i',
  async (round) => {
    const { edges, runs, survived, count, twice } = await killAtEachEdge({ name: `kills_${round}` });
    expect(edges).toBeGreaterThan(60);
    expect(survived).toBe(0);
    expect(twice).toEqual([]);
    expect(count).toBe(10 * runs);
  },
);

it('controls: calls without keys happen twice, and so does a plain step', async () => {
  const { twice } = await killAtEachEdge({ name: 'controls', wild: true, step: true });
  const of = (step: string) => twice.filter((entry) => entry.endsWith(` ${step}`)).length;
  process.stdout.write(`calls without keys: ${of('1') + of('5')}, plain steps: ${of('8')}\n`);
  expect(of('1') + of('5')).toBeGreaterThan(0);
  expect(of('8')).toBeGreaterThan(0);
  expect(twice).toHaveLength(of('1') + of('5') + of('8'));
});

/** How many seconds ago a process that has a run had its last heartbeat, and how many runs wait for an operator. */
const WATCHED = `
  SELECT (SELECT coalesce(max(extract(epoch FROM now() - heartbeat)), 0)::float8 FROM jobs JOIN job_owners
      ON job_owners.id = substr(split_part(claim, '-', 1), 3)) AS silent,
    (SELECT count(*)::integer FROM workflow_runs WHERE blocked IS NOT NULL) AS blocked,
    (SELECT count(*)::integer FROM workflow_runs WHERE end_time IS NOT NULL) AS ended`;

it('runs that have a child, sleep and wait for signals end right without an operator, over 40 kills, freezes and crashes of the database', async () => {
  const called = await startCalled('signals_called');
  const { url, database } = await createDatabase('signals');
  const args = await Promise.all(
    [1, 2, 3].map(async () => ({ url, listen: `127.0.0.1:${await freePort()}`, addresses: called.addresses })),
  );
  const victims = await startVictims(PROCESS, args, postgres);
  const own = workflow(dismiss, async () => ({}));
  const parts = { database, services: [HiringServiceDefinition], log: silentLogger };
  const { runs } = createJobs({ ...parts, workflows: [own], channel: createTestChannel({ services: [] }) });
  await database.query('CREATE TABLE batches (name text PRIMARY KEY)');
  /** Does work on all runs, some in a transaction: once, also if it isn't known whether one has committed. */
  const forAll = async (name: string, work: (tx: Queries, key: string) => Promise<unknown>) => {
    for (let first = 0; first < RUNS; first += BATCH) {
      await sleep(Math.random() * 1_000); // while faults happen
      await eventually(() =>
        database.transaction(async (tx) => {
          const claim = 'INSERT INTO batches (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING name';
          if ((await tx.query(claim, [`${name} ${first}`])).length === 0) return;
          for (let index = first; index < first + BATCH; index += 1) await work(tx, `${index}`);
        }),
      );
    }
  };
  const startAndSignal = async () => {
    await forAll('start', (tx, key) => runs.enqueue(tx, own, { request: { person: key }, key }));
    await forAll('signal', async (tx, key) => {
      if (Number(key) % 4 > 0)
        await runs.signal(tx, {
          run: { workflow: own, key },
          name: 'approval',
          type: Approval,
          message: { by: `${key}'s` },
        });
    });
  };
  const most = { silent: 0, blocked: 0 };
  const watch = () =>
    eventually(async () => {
      const seen = await database.one<{ silent: number; blocked: number; ended: number }>(WATCHED);
      most.silent = Math.max(most.silent, seen.silent);
      most.blocked = Math.max(most.blocked, seen.blocked);
      expect(seen.ended).toBe(2 * RUNS); // with the children
    }, WAIT);
  await Promise.all([startAndSignal(), victims.disturb(FAULTS), watch()]);
  const ended = await database.query<{ key: string; code: number; result: Uint8Array }>(
    'SELECT key, code, result FROM workflow_runs WHERE length(key) < 10', // a child has the digest of its step
  );
  const effects = await effectsIn([called.database, database]);
  await victims.close();
  await called.close();
  await database.close();
  process.stdout.write(`${ended.length} runs; one was with a silent process for ${most.silent} s at most\n`);
  expect(most.blocked).toBe(0);
  const texts = ended.map(({ key, code, result }) => [key, code, code === 0 && HireResponse.decode(result).text]);
  const by = (key: string) => (Number(key) % 4 > 0 ? `${key}'s` : 'nobody');
  expect(texts).toEqual(ended.map(({ key }) => [key, 0, `${by(key)}, child ${key}`]));
  expect([ended.length, effects]).toEqual([RUNS, { count: 5 * RUNS, twice: [] }]);
  expect(most.silent).toBeLessThan(10);
});
