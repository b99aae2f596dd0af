// What each way to have another service do something costs. Each writes one row there, over a socket of this process.
import { setTimeout } from 'node:timers/promises';
import { createNoopMeter } from '@opentelemetry/api';
import { Int32Value, StringValue } from '@rondo/contracts/google/protobuf/wrappers';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { Moved, MoverServiceDefinition, WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createOutcomeStore, createPool, migrate, outcomesSchema } from '@rondo/database';
import { freePort } from '@rondo/harness';
import { createJobs, jobsSchema, workflow } from '@rondo/jobs';
import { currentWorkLimits, silentLogger as log } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { createSubscriber, createTopics, topicsSchema } from '@rondo/topics';
import { createParticipant, createTransactions, operation, participant, transactionsSchema } from '@rondo/transactions';
import { quantiles } from '../../report/figures.mjs';

const AT_ONCE = 10;
const { doChore, doAlone } = ChoreServiceDefinition.methods;

let statements = 0;
const countsStatements = (name) => ({ record: () => (statements += name === 'db.client.operation.duration' ? 1 : 0) });
const meter = Object.assign(createNoopMeter(), { createHistogram: countsStatements });

async function open(url) {
  const database = createPool({ url, meter });
  for (const { name: part, migrations } of [jobsSchema, topicsSchema, outcomesSchema, transactionsSchema])
    await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (chore text NOT NULL)');
  return database;
}

const { once } = WatcherServiceDefinition.methods;
const Watcher = { ...WatcherServiceDefinition, methods: { once } };

/** The ways by name: each does one thing, and resolves when it is done. */
async function waysBetween([hereUrl, thereUrl]) {
  const [here, there, port] = [await open(hereUrl), await open(thereUrl), await freePort()];
  const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`]) });
  const insert = ({ query }, text) => query('INSERT INTO effects (chore) VALUES ($1)', [text], { name: 'effect' });
  const done = new Map();
  const write = async ({ chore }) => {
    await there.transaction((transaction) => insert(transaction, chore), currentWorkLimits());
    done.get(chore)?.();
    return {};
  };
  const adding = { request: StringValue, result: Int32Value };
  const part = createParticipant({
    database: there,
    name: 'there',
    coordinators: { here: CoordinatorServiceDefinition.fullName },
    services: [AdderServiceDefinition],
    channel,
    log,
    operations: [
      operation(adding, async (transaction, { value }) => {
        await insert(transaction, value);
        return { value: 1 };
      }),
    ],
  });
  const coordinator = createTransactions({ database: here, name: 'here', channel, log });
  const topics = createTopics({ database: here, topics: [Moved], services: [MoverServiceDefinition], channel, log });
  const services = [
    standIn(WatcherServiceDefinition, { once: ({ piece }) => write({ chore: piece }) }),
    topics.service,
    standIn(ChoreServiceDefinition, { doChore: write, doAlone: write }),
    ...[standIn(AdderServiceDefinition, {}), ...part.services, ...coordinator.services],
  ];
  await serve(createRouter({ services, outcomes: createOutcomeStore(there) }), { listen: `127.0.0.1:${port}` });
  createSubscriber({ services: [Watcher], channel, log }).start();
  while ((await here.query('SELECT FROM topic_groups')).length === 0) await setTimeout(50);
  await topics.start();
  coordinator.start();
  part.start();
  const Chores = { ...ChoreServiceDefinition, methods: { doChore, doAlone } };
  const client = createClient(Chores, { channel });
  const jobs = createJobs({ database: there, services: [{ ...Chores, methods: { doChore } }], channel, log });
  await jobs.start();
  const hire = workflow(HiringServiceDefinition.methods.hire, async ({ person: chore }, run) => {
    await run.call('chore', doChore, { chore });
    return { text: chore };
  });
  const runs = createJobs({ database: here, services: [HiringServiceDefinition], workflows: [hire], channel, log });
  for (const { name: part, migrations } of runs.schema) await migrate(here, { part, migrations });
  await runs.start();
  return {
    'a call': (chore) => client.doAlone({ chore }),
    'a call with a key': (chore) =>
      client.doChore({ chore }, { metadata: { 'idempotency-key': chore.replaceAll(' ', '-') } }),
    async 'a job'(chore) {
      const ended = new Promise((resolve) => done.set(chore, resolve));
      await there.transaction((transaction) => jobs.enqueue(transaction, doChore, { request: { chore } }));
      jobs.nudge();
      await ended;
    },
    async 'an event'(piece) {
      const ended = new Promise((resolve) => done.set(piece, resolve));
      await here.transaction((transaction) => topics.publish(transaction, Moved, { piece }));
      topics.nudge();
      await ended;
    },
    async 'a workflow'(person) {
      const ended = new Promise((resolve) => done.set(person, resolve));
      await here.transaction((transaction) => runs.runs.enqueue(transaction, hire, { request: { person } }));
      runs.nudge();
      await ended;
    },
    'a transaction': (value) =>
      coordinator.run({
        kind: 'cost',
        subject: value,
        participants: [participant(AdderServiceDefinition, adding, { value })],
        local: (transaction) => insert(transaction, value),
      }),
  };
}

/** Milliseconds of each way, alone and the most a second of ten at once, and its statements. */
export async function measureCosts(urls, count) {
  const all = Object.entries(await waysBetween(urls));
  const rows = [];
  for (const [name, run] of all) {
    for (let index = 0; index < count; index += 1) await run(`${name} warm ${index}`);
    const times = [];
    statements = 0;
    for (let index = 0; index < count; index += 1) {
      const beganAt = performance.now();
      await run(`${name} ${index}`);
      times.push(performance.now() - beganAt);
    }
    const each = statements / count;
    const left = Array.from({ length: AT_ONCE * count }, (_, index) => `${name} at once ${index}`).values();
    const beganAt = performance.now();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const chore of left) await run(chore);
      }),
    );
    rows.push([name, quantiles(times).p50, (AT_ONCE * count * 1_000) / (performance.now() - beganAt), each]);
  }
  return rows;
}
