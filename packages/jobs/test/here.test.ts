/** Jobs whose handlers run in the process that claims them. */
import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createOutcomeStore, type Database } from '@rondo/database';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { createLoopback } from '@rondo/rpc/internal';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { createJobs } from '../src/exports/index.js';
import { doChore, eachWithDatabase, eventually, write } from './fixture.js';

let database: Database;
const { processes } = eachWithDatabase((own) => {
  database = own;
});

const effects = async () =>
  (await database.query<{ chore: string }>('SELECT chore FROM effects ORDER BY id')).map(({ chore }) => chore);
const jobsLeft = async () => await database.query('SELECT claims FROM jobs');

interface Replicas {
  /** That of the process, as with mutual TLS. */
  readonly identity?: string;
  /** Where the replies of calls are lost. */
  readonly loses?: (where: 'here' | 'there') => boolean;
  /** Whether the process serves its own calls. */
  readonly isReady?: () => boolean;
  /** Whether the database of the jobs has the outcomes of the handlers. */
  readonly together?: boolean;
  /** Runs in the handler, after its statement. */
  readonly during?: () => Promise<void>;
  readonly log?: Logger;
}

/** A process whose worker calls itself, or another replica. Each writes where it runs. */
function begin({
  identity = '',
  loses = () => false,
  isReady = () => true,
  together = true,
  during,
  log = silentLogger,
}: Replicas = {}) {
  const outcomes = createOutcomeStore(database);
  const replica = (where: 'here' | 'there') => [
    standIn(ChoreServiceDefinition, {
      doChore: () => write(database, where, during),
    }),
  ];
  const losing =
    (where: 'here' | 'there') =>
    async <C, R>(call: C, next: (call: C) => Promise<R>) => {
      const reply = await next(call);
      if (loses(where)) throw new RpcError(Status.INTERNAL, 'the reply was lost');
      return reply;
    };
  const loopback = createLoopback({ identity, middleware: [losing('here')] });
  loopback.open(createRouter({ services: replica('here'), outcomes }), { outcomes, isReady });
  const there = createTestChannel({ services: replica('there'), outcomes, identity });
  const jobs = createJobs({
    database: together ? { ...database, outcomes } : database,
    services: [{ ...ChoreServiceDefinition, methods: { doChore } }],
    channel: { ...there, middleware: [losing('there')] },
    loopback,
    log,
  });
  void jobs.start();
  processes.push({
    ...jobs,
    async close() {
      await jobs.close();
      await outcomes.close();
    },
  });
  return { jobs, loopback };
}

type Begun = ReturnType<typeof begin>['jobs'];

async function enqueue(jobs: Begun) {
  await database.transaction((transaction) =>
    jobs.enqueue(transaction, doChore, { request: { chore: 'dishes' }, key: 'dishes' }),
  );
  jobs.nudge();
}

it('a job runs in the process that claims it, and its transaction ends it: no outcome is stored', async () => {
  const { jobs } = begin();
  await enqueue(jobs);
  await eventually(async () => expect(await effects()).toEqual(['here']));
  expect(await jobsLeft()).toEqual([]);
  expect(await database.query('SELECT FROM call_outcomes')).toEqual([]);
});

it.each([['without TLS', ''] as const, ['with TLS', 'spiffe://rondo.local/chores'] as const])(
  'has one effect if the reply of an attempt is lost, whichever comes first, %s',
  async (_, identity) => {
    for (const [first, together] of [
      ['here', true],
      ['here', false],
      ['there', true],
    ] as const) {
      let lost = 0;
      const { jobs } = begin({
        identity,
        together,
        loses: () => lost++ === 0,
        isReady: () => (lost === 0) === (first === 'here'),
      });
      await enqueue(jobs);
      await eventually(async () => expect([lost > 0, await jobsLeft()]).toEqual([true, []]));
      expect(await effects()).toEqual([first]);
      expect(lost).toBe(first === 'here' && together ? 1 : 2);
      await processes.pop()?.close();
      await database.query('TRUNCATE effects, call_outcomes');
    }
  },
);

it('an attempt that another process has overtaken has no effect', async () => {
  let overtaken = false;
  const { jobs, loopback } = begin({
    async during() {
      if (overtaken) return;
      overtaken = true;
      await database.query("UPDATE jobs SET claim = '2.wother-1', due_time = now() + interval '1 h'");
    },
  });
  await enqueue(jobs);
  await eventually(() => expect(overtaken).toBe(true));
  await loopback.drain(300_000); // the call has ended
  expect(await effects()).toEqual([]);
  expect(await jobsLeft()).toHaveLength(1);
});

it('a job that ends during its last attempt, as when the answer to its commit is lost, is not said to have failed', async () => {
  const said: string[] = [];
  const note = (_: unknown, text?: string) => void said.push(String(text));
  const { jobs } = begin({
    log: { ...silentLogger, error: note, debug: note },
    during: async () => void (await database.query('DELETE FROM jobs')),
  });
  await database.transaction(async (transaction) => {
    await jobs.enqueue(transaction, doChore, { request: { chore: 'dishes' } });
    await transaction.query('UPDATE jobs SET attempts = 4');
  });
  jobs.nudge();
  await eventually(() => expect(said).toEqual(['an attempt failed; it is repeated']));
});

it('a job that is replaced while it runs has its effect, and so has the one that takes its place', async () => {
  let replaced = false;
  const { jobs } = begin({
    async during() {
      if (replaced) return;
      replaced = true;
      await enqueue(jobs);
    },
  });
  await enqueue(jobs);
  await eventually(async () => expect([replaced, await jobsLeft()]).toEqual([true, []]));
  expect(await effects()).toEqual(['here', 'here']);
});

it('a process that drains finishes what it serves, and calls other replicas then', async () => {
  let [finish, began] = [() => {}, false];
  const held = new Promise<void>((resolve) => (finish = resolve));
  const { jobs, loopback } = begin({
    async during() {
      if (began) return;
      began = true;
      await held;
    },
  });
  await enqueue(jobs);
  await eventually(() => expect(began).toBe(true));
  let drained = false;
  const draining = loopback.drain(300_000).then(() => (drained = true));
  for (let round = 0; round < 20; round += 1) await database.query('SELECT');
  expect(drained).toBe(false);
  finish();
  await draining;
  expect(await effects()).toEqual(['here']);
  await enqueue(jobs);
  await eventually(async () => expect(await effects()).toEqual(['here', 'there']));
});
