/**
 * Events, jobs and runs that end the processes of their handlers, among others, with three replicas. The variable `POISONS` says how many there
 * are of each kind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createPool, type Database, migrate, outcomesSchema } from '@rondo/database';
import { eventually, freePort, startWorker } from '@rondo/harness';
import { type Postgres, startPostgres } from '@rondo/harness/postgres';
import { createJobs, workflow } from '@rondo/jobs';
import { silentLogger as log } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createTestChannel } from '@rondo/rpc/testing';
import { createSubscriber, createTopics, topicsSchema } from '@rondo/topics';

const PROCESS = new URL('./src/poisons-process.mjs', import.meta.url);
const OF_EACH = Number(process.env['POISONS'] ?? 1);
const KINDS = ['kill', 'exit', 'loop', 'memory', 'logs', 'hang'] as const;
const OTHERS = 100 + 500 * OF_EACH;
/** As between services of Rondo, which soon notice that an instance stands still. */
const PINGED = { minPingIntervalMs: 500 };
/** After so long without an answer a replica is killed, as a liveness probe has it. */
const STANDS_STILL_MS = 8_000;
const { doChore } = ChoreServiceDefinition.methods;
/** Of a process that only starts runs. */
const hire = workflow(HiringServiceDefinition.methods.hire, async () => ({ text: '' }));

let postgres: Postgres;
let database: Database;
let replicas: readonly Awaited<ReturnType<typeof keepAlive>>[];

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: false } });
  const url = await postgres.createDatabase('poisons');
  database = createPool({ url });
  const { schema = [] } = createJobs({ database, services: [HiringServiceDefinition], workflows: [hire], log });
  for (const { name: part, migrations } of [...schema, topicsSchema, outcomesSchema])
    await migrate(database, { part, migrations });
  await database.query(
    'CREATE TABLE effects (message text NOT NULL, time timestamptz NOT NULL DEFAULT clock_timestamp())',
  );
  await database.query(
    'CREATE TABLE sent (message text NOT NULL, time timestamptz NOT NULL DEFAULT clock_timestamp())',
  );
  await database.query('CREATE TABLE restarts (since timestamptz NOT NULL, until timestamptz NOT NULL)');
  await database.query('CREATE TABLE runs (message text NOT NULL, instance text NOT NULL)');
  const addresses = (await Promise.all([freePort(), freePort(), freePort()])).map((port) => `127.0.0.1:${port}`);
  replicas = await Promise.all(addresses.map((listen) => keepAlive({ url, listen, replicas: addresses })));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await database.close();
  await postgres.stop();
});

/** A replica that is started again whenever it has ended, and killed when it stands still. */
async function keepAlive(argument: {
  readonly url: string;
  readonly listen: string;
  readonly replicas: readonly string[];
}) {
  const begin = async () => {
    const worker = startWorker(PROCESS, { env: { NODE_OPTIONS: '--max-old-space-size=96' } });
    await worker.ask('work', argument).catch(() => undefined); // it has ended: the ping finds out
    return worker;
  };
  let worker = await begin();
  let closing = false;
  const watching = (async () => {
    while (!closing) {
      const late = sleep(STANDS_STILL_MS, false, { ref: false });
      const since = new Date();
      if (await Promise.race([worker.ask('ping').catch(() => false), late])) await sleep(20);
      else {
        await worker.close();
        worker = await begin();
        await database.query('INSERT INTO restarts (since, until) VALUES ($1, $2)', [since, new Date()]);
      }
    }
  })();
  return {
    address: argument.listen,
    async close() {
      closing = true;
      await watching;
      await worker.close();
    },
  };
}

it('end two processes each at most, and are stored with the reason; all others take effect once', async () => {
  const addresses = replicas.map(({ address }) => address);
  const channel = createChannel({ resolver: staticResolver(addresses, PINGED) });
  const topics = createTopics({ database, topics: [Moved], services: [MoverServiceDefinition], channel, log });
  const { once } = WatcherServiceDefinition.methods;
  const services = [{ ...WatcherServiceDefinition, methods: { once } }];
  const subscriber = createSubscriber({ services, channel: createTestChannel({ services: [topics.service] }), log });
  const jobs = createJobs({ database, services: [ChoreServiceDefinition], channel, log }); // that only enqueues
  await topics.start();
  subscriber.start();
  await eventually(async () => expect(await database.query('SELECT FROM topic_groups')).toHaveLength(1));

  const poisons = Array.from({ length: OF_EACH }, (_, round) =>
    KINDS.map((kind, index) => ({ message: `${kind}-${round}`, isJob: (round + index) % 2 === 1 })),
  ).flat();
  const others = Array.from({ length: OTHERS }, (_, index) => ({ message: `other-${index}`, isJob: index % 4 === 0 }));
  const every = Math.floor(others.length / poisons.length);
  const messages = others.flatMap((other, index) => [
    ...poisons.slice(index / every, index % every === 0 ? index / every + 1 : 0),
    other,
  ]);
  for (const { message, isJob } of messages) {
    await database.transaction(async (transaction) => {
      await transaction.query('INSERT INTO sent (message) VALUES ($1)', [message]);
      if (isJob) await jobs.enqueue(transaction, doChore, { request: { chore: message }, key: message });
      else await topics.publish(transaction, Moved, { piece: message, move: 1n });
    });
    topics.nudge();
    await sleep(10); // the rate at which messages come
  }

  await eventually(async () => expect(await database.query('SELECT FROM jobs WHERE NOT failed')).toEqual([]));
  const failed = await database.query<{ name: string; error: string }>(
    "SELECT CASE WHEN key LIKE '%-%' THEN key ELSE progress END AS name, error FROM jobs ORDER BY 1",
  );
  expect(failed.filter(({ name }) => name.startsWith('other'))).toEqual([]);
  expect(failed.map(({ name }) => name)).toEqual(poisons.map(({ message }) => message).toSorted());
  for (const { name, error } of failed)
    expect(error).toMatch(
      name.startsWith('hang') ? /./ : /the instance .* (ended|stood still)|process ended during each/,
    );
  const runs = await database.query(
    "SELECT message, count(*) FROM runs WHERE message NOT LIKE 'hang%' GROUP BY message HAVING count(*) > 2",
  );
  expect(runs).toEqual([]);
  const taken = await database.query(
    "SELECT FROM effects WHERE message LIKE 'other-%' GROUP BY message HAVING count(*) = 1",
  );
  expect(taken).toHaveLength(OTHERS);
  const [latency] = await database.query(
    `WITH late AS (
       SELECT extract(epoch FROM effects.time - sent.time) AS whole, (
         SELECT coalesce(sum(extract(epoch FROM upper(part) - lower(part))), 0) FROM unnest(
           tstzmultirange(tstzrange(sent.time, effects.time)) - (SELECT range_agg(tstzrange(since, until)) FROM restarts)) AS part) AS apart
       FROM sent JOIN effects USING (message) WHERE message LIKE 'other-%')
     SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY whole) AS seconds,
       percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY apart) AS "secondsApartFromRestarts" FROM late`,
  );
  process.stdout.write(`${JSON.stringify(latency)}\n`);
  await subscriber.close();
  await topics.close();
  await jobs.close();
  channel.close();
});

it('end three processes each at most as steps of runs, which then wait for an operator; all other runs end', async () => {
  const channel = createChannel({
    resolver: staticResolver(
      replicas.map(({ address }) => address),
      PINGED,
    ),
  });
  const jobs = createJobs({ database, services: [HiringServiceDefinition], workflows: [hire], channel, log });
  const kinds = ['kill', 'exit', 'loop'].flatMap((kind) =>
    Array.from({ length: OF_EACH }, (_, n) => `${kind}-run-${n}`),
  );
  const others = Array.from({ length: 20 * kinds.length }, (_, index) => `run-${index}`);
  for (const [index, person] of others.entries()) {
    const people = index % 20 === 10 ? [person, kinds[(index - 10) / 20] ?? ''] : [person];
    await database.transaction(async (transaction) => {
      for (const one of people) await jobs.runs.enqueue(transaction, hire, { request: { person: one }, key: one });
    });
    await sleep(20); // the rate at which runs start
  }
  const open = 'SELECT workflow_runs.key, blocked FROM workflow_runs WHERE end_time IS NULL ORDER BY key';
  await eventually(async () => {
    const runs = await database.query<{ key: string; blocked: string | null }>(open);
    expect(runs.map(({ key }) => key)).toEqual(kinds.toSorted());
    for (const { blocked } of runs) expect(blocked).toMatch(/its process ended during each of 3 attempts/);
  });
  const executed = await database.query(
    "SELECT message, array_agg(instance) FROM runs WHERE message LIKE '%-run-%' GROUP BY message HAVING count(*) > 3",
  );
  expect(executed).toEqual([]);
  const taken = await database.query(
    "SELECT FROM effects WHERE message LIKE 'run-%' GROUP BY message HAVING count(*) = 1",
  );
  expect(taken).toHaveLength(others.length);
  await jobs.close();
  channel.close();
});
