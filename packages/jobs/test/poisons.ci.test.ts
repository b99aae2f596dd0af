/** Jobs during which instances end. */
import { afterEach, expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import type { Database } from '@rondo/database';
import { silentLogger as log, type ServerCall } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork, ManualClock, standIn } from '@rondo/rpc/testing';
import { createJobs, type Jobs } from '../src/exports/index.js';
import { isAway, isLast } from '../src/failure.js';
import { Quarantine } from '../src/quarantine.js';
import { insertJob } from '../src/store.js';
import { doAlone, eachWithDatabase, eventually } from './fixture.js';

/** That needs no store for outcomes. */
const CHORES = { ...ChoreServiceDefinition, methods: { doAlone } };
let database: Database;
eachWithDatabase((own) => {
  database = own;
});
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Handle = (chore: string, instance: string, call: ServerCall) => unknown;

/** Instances in a network, whose calls `handle` gets. `end` ends one as a killed process ends, and `start` starts it again. */
function startInstances(names: readonly string[], handle: Handle) {
  const network = createMemoryNetwork();
  const listeners = new Map<string, { close(): void }>();
  /** Starts an instance, or lets it answer again after its connection has broken: it has run for `uptimeS`, if it says so now. */
  const start = (name: string, uptimeS?: bigint) => {
    const stats = standIn(CallStatsServiceDefinition, {
      getCallStats() {
        if (uptimeS === undefined) throw new RpcError(Status.UNAVAILABLE, 'not ready yet');
        return { uptime: { seconds: uptimeS, nanos: 0 } };
      },
    });
    const service = standIn(CHORES, {
      async doAlone({ chore }, call) {
        await handle(chore, name, call);
        return {};
      },
    });
    listeners.set(name, network.listen(name, createRouter({ services: [service, stats] })));
  };
  for (const name of names) start(name);
  /** A process that makes jobs: it is the instance `own`, or none. */
  const work = async (own?: string, clock: Clock = systemClock): Promise<Jobs> => {
    const self = own === undefined ? undefined : { service: ChoreServiceDefinition.fullName, instanceId: own };
    const channel = createChannel({ resolver: staticResolver(names), transport: network.transport, self });
    const jobs = createJobs({ database, services: [CHORES], channel, log, clock });
    closing.push(async () => {
      await jobs.close();
      channel.close();
    });
    await jobs.start();
    return jobs;
  };
  const end = (name: string) => listeners.get(name)?.close();
  /** Replaces an instance by one of a version without the method. */
  const age = (name: string) => {
    end(name);
    network.listen(name, createRouter({ services: [] }));
  };
  return { start, work, end, age };
}

async function enqueue(jobs: Jobs, ...chores: string[]) {
  await database.transaction(async (transaction) => {
    for (const chore of chores) await jobs.enqueue(transaction, doAlone, { request: { chore } });
  });
  jobs.nudge();
}

const left = () => database.query('SELECT attempts, ends, failed, error FROM jobs');
const until = ({ signal }: ServerCall) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

it('a job that ends its instance is made once more, and is then one for an operator, with the instance and the reason', async () => {
  const ended: string[] = [];
  const fleet = startInstances(['a', 'b', 'c', 'd'], async (_, instance, call) => {
    ended.push(instance);
    fleet.end(instance);
    await until(call);
  });
  await enqueue(await fleet.work(), 'poison');
  await eventually(async () => expect(await left()).toMatchObject([{ failed: true }]));
  const [first, second] = ended;
  expect(ended).toEqual([first, second]);
  expect(second).toBe(first === 'a' ? 'b' : 'a'); // the lowest that lives
  const error = `the instance ${second} ended: the connection broke while the call was in flight`;
  expect(await left()).toEqual([{ attempts: 2, ends: 1, failed: true, error }]); // if it is tried again, it is called alone
});

const allEnd = () =>
  eventually(async () => expect(await database.query('SELECT FROM jobs WHERE NOT failed')).toEqual([]));

/** Has a job of which each call breaks its connection, up to three times; the instance then has the uptime. What is stored at each call. */
async function breakConnections(uptimeS: bigint | undefined, clock?: Clock) {
  const stored: unknown[] = [];
  const fleet = startInstances(['a', 'b'], async (_, instance, call) => {
    stored.push(...(await left()));
    if (stored.length > 3) return;
    fleet.end(instance);
    fleet.start(instance, uptimeS);
    await until(call);
  });
  await enqueue(await fleet.work(undefined, clock), 'chore');
  return stored;
}

it('a job whose process froze and lives on has failed attempts, and is no suspect', async () => {
  const stored = await breakConnections(3_600n);
  await allEnd();
  const error = 'the connection broke while the call was in flight';
  const after = (attempts: number) => ({ attempts, ends: 0, failed: false, error: expect.stringContaining(error) });
  expect(stored).toEqual([{ ...after(1), error: '' }, after(2), after(3), after(4)]);
});

it('a call whose connection broke is an attempt, and not the last, as it may have had its effect', async () => {
  const network = createMemoryNetwork();
  const service = standIn(CHORES, {
    doAlone(_, call) {
      listener.close();
      return until(call).then(() => ({}));
    },
  });
  const listener = network.listen('a', createRouter({ services: [service] }));
  const channel = createChannel({ resolver: staticResolver(['a']), transport: network.transport });
  const error = await createClient(CHORES, { channel })
    .doAlone({}, { maxAttempts: 1 })
    .catch((fault: unknown) => fault);
  expect(error).toMatchObject({ code: Status.UNAVAILABLE });
  expect([isAway(error), isLast({ maxAttempts: 1 }, 1, error)]).toEqual([false, false]);
  channel.close();
});

it('a job whose process was started again since the call is a suspect', async () => {
  await breakConnections(0n);
  await allEnd();
  expect(await left()).toMatchObject([{ attempts: 2, failed: true }]);
});

it('a job whose process says nothing is called by no other, until 40 s have passed', async () => {
  const clock = new ManualClock();
  const begun = clock.now();
  const stored = await breakConnections(undefined, clock);
  // Also if the process that called it ends meanwhile.
  await eventually(async () => expect(await left()).toMatchObject([{ attempts: 1, ends: 1 }]));
  await eventually(async () => {
    await clock.advance(1_000);
    expect(stored).toHaveLength(2);
  });
  expect(clock.now() - begun).toBeGreaterThanOrEqual(40_000);
  expect(stored[1]).toMatchObject({ ends: 1, error: expect.stringMatching(/^the instance [ab] stood still/) });
});

it('a process that is the lowest instance has suspects made by another', async () => {
  const ended: string[] = [];
  const fleet = startInstances(['a', 'b', 'c'], async (_, instance, call) => {
    ended.push(instance);
    fleet.end(instance);
    await until(call);
  });
  await enqueue(await fleet.work('a'), 'poison');
  await eventually(async () => expect(await left()).toMatchObject([{ failed: true }]));
  expect(ended.toSorted()).toEqual(['b', 'c']);
});

it('a suspect is made in its own process if no other instance is left, and another end would be known', async () => {
  const atCall: unknown[] = [];
  const fleet = startInstances(['a', 'b'], async (_, instance, call) => {
    if (instance === 'a') return atCall.push(...(await left()));
    fleet.end(instance);
    await until(call);
  });
  await enqueue(await fleet.work('a'), 'suspect');
  await eventually(async () => expect(await left()).toEqual([]));
  expect(atCall).toMatchObject([{ attempts: 2, ends: 2 }]);
});

it('a suspect that fails while its instance lives is none any more', async () => {
  const calls: string[] = [];
  const fleet = startInstances(['a', 'b', 'c'], async (_, instance, call) => {
    calls.push(instance);
    if (calls.length > 1) throw new RpcError(Status.INTERNAL, 'it fails by itself');
    fleet.end(instance);
    await until(call);
  });
  await enqueue(await fleet.work(), 'hang');
  await eventually(async () =>
    expect(await left()).toMatchObject([{ ends: 0, error: expect.stringContaining('itself') }]),
  );
});

it('the suspect that was stored last is made first', async () => {
  for (const key of ['first', 'second'])
    await insertJob(database, { method: 'm.S/M', key, request: Buffer.of(), at: undefined, traceparent: '' });
  await database.query('UPDATE jobs SET ends = 1');
  const quarantine = new Quarantine(database, 'w1');
  const suspected = [{ method: 'm.S/M', instance: 'a', maxRunning: null, maxPerKey: null, answers: async () => true }];
  await eventually(async () =>
    expect(await quarantine.claim(suspected, 'w1-1', {})).toMatchObject({ attempt: { key: 'second' } }),
  );
});

it('a job during which its own process has ended twice is called no more', async () => {
  const calls: string[] = [];
  const fleet = startInstances(['a', 'b'], (chore) => calls.push(chore));
  const jobs = await fleet.work('a');
  await jobs.stop();
  await enqueue(jobs, 'poison');
  await database.query('UPDATE jobs SET ends = 2, attempts = 2'); // as its worker's end left it
  await fleet.work('a');
  await eventually(async () => expect(await left()).toMatchObject([{ failed: true }]));
  expect(await left()).toMatchObject([{ ends: 1, error: 'its process ended during each of two attempts' }]);
  expect(calls).toEqual([]);
});

it('while there is a job whose instance has ended, others go elsewhere', async () => {
  const began: string[] = [];
  const others: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const fleet = startInstances(['a', 'b', 'c'], async (chore, instance, call) => {
    if (chore !== 'suspect') return others.push(instance);
    began.push(instance);
    if (began.length > 1) return await held;
    fleet.end(instance);
    await until(call);
  });
  const [jobs, more] = [await fleet.work(), await fleet.work()];
  await enqueue(jobs, 'suspect');
  await eventually(() => expect(began).toHaveLength(2));
  for (const name of ['a', 'b', 'c']) fleet.start(name);
  await enqueue(more, ...Array.from({ length: 30 }, (_, index) => `other ${index}`));
  await eventually(() => expect(others).toHaveLength(30));
  expect(others).not.toContain(began[1]);
  release();
  await eventually(async () => expect(await left()).toEqual([]));
});

it('a process makes no job in itself while there are other instances', async () => {
  const calls: string[] = [];
  const fleet = startInstances(['a', 'b'], (_, instance) => calls.push(instance));
  const jobs = await fleet.work('a');
  await enqueue(jobs, ...Array.from({ length: 20 }, (_, index) => `chore ${index}`));
  await eventually(async () => expect(await left()).toEqual([]));
  expect(new Set(calls)).toEqual(new Set(['b']));
});

it('a process makes a job itself that the others lack, and no attempt is lost', async () => {
  const fleet = startInstances(['a', 'b', 'c'], () => undefined);
  for (const name of ['b', 'c']) fleet.age(name);
  const jobs = await fleet.work('a');
  await database.transaction((transaction) =>
    jobs.enqueue(transaction, doAlone, { request: { chore: 'chore' }, at: new Date(Date.now() + 3_600_000) }),
  );
  await database.query('UPDATE jobs SET attempts = 11, due_time = now()'); // with one left
  await eventually(async () => expect(await database.query('SELECT FROM jobs WHERE NOT failed')).toEqual([]));
  expect(await left()).toEqual([]);
});

it('a process that is the only instance makes its jobs itself', async () => {
  const fleet = startInstances(['a'], () => undefined);
  await enqueue(await fleet.work('a'), 'chore');
  await eventually(async () => expect(await left()).toEqual([]));
});

it('a call that reached no instance is no attempt', async () => {
  const fleet = startInstances(['a'], () => undefined);
  fleet.end('a');
  const jobs = await fleet.work();
  await enqueue(jobs, 'chore');
  await eventually(async () =>
    expect(await database.query('SELECT FROM jobs WHERE claim IS NULL AND due_time > create_time')).toHaveLength(1),
  );
  expect(await left()).toEqual([
    { attempts: 0, ends: 0, failed: false, error: expect.stringContaining('can take the call') },
  ]);
  fleet.start('a');
  await eventually(async () => expect(await left()).toEqual([]));
});
