// Each queue, with a handler that writes one row in its transaction, ten at once. Each is set up as its documentation says for many small jobs.
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createOutcomeStore, createPool, migrate, outcomesSchema } from '@rondo/database';
import { createJobs, jobsSchema } from '@rondo/jobs';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createLoopback } from '@rondo/rpc/internal';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import pg from 'pg';

const AT_ONCE = 10;
const INSERT = 'INSERT INTO effects (entry) VALUES ($1)';

/**
 * By name: what prepares a queue. `onBegin` is called with the name of a job when its handler begins, and `onDone` at its end.
 * `enqueue` stores jobs in one transaction, due `at` a time, or now; `start` begins to work.
 */
export const CONTENDERS = { rondo, 'pg-boss': pgBoss, 'graphile-worker': graphileWorker };

const { doChore: method } = ChoreServiceDefinition.methods;
/** The other methods have a schedule and a bound over all replicas, which the peers' queues haven't. */
const Chores = { ...ChoreServiceDefinition, methods: { doChore: method } };

/** The process that claims a job serves its call, as a replica of a service does. */
async function rondo({ url, onBegin, onDone }) {
  const database = createPool({ url });
  for (const { name: part, migrations } of [jobsSchema, outcomesSchema]) await migrate(database, { part, migrations });
  const doChore = async ({ chore }) => {
    onBegin(chore);
    await database.transaction(({ query }) => query(INSERT, [chore], { name: 'effect' }), currentWorkLimits());
    onDone(chore);
    return {};
  };
  const services = [standIn(Chores, { doChore })];
  const outcomes = createOutcomeStore(database);
  const router = createRouter({ services, outcomes });
  const loopback = createLoopback({});
  loopback.open(router, { outcomes, isReady: () => true });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([server.address]) });
  const jobs = createJobs({
    database: { ...database, outcomes },
    services: [Chores],
    channel,
    loopback,
    log: silentLogger,
  });
  return {
    start: () => jobs.start(),
    async enqueue(chores, at) {
      await database.transaction(async (transaction) => {
        for (const chore of chores) await jobs.enqueue(transaction, method, { request: { chore }, at });
      });
      jobs.nudge();
    },
  };
}

/** A handler that writes the row, over a pool of its own. */
function effectOn(url, { onBegin, onDone }) {
  const pool = new pg.Pool({ connectionString: url, max: AT_ONCE });
  return async ({ chore }) => {
    onBegin(chore);
    await pool.query({ name: 'effect', text: INSERT, values: [chore] });
    onDone(chore);
  };
}

async function pgBoss({ url, onBegin, onDone }) {
  const { PgBoss } = await import('pg-boss');
  const boss = new PgBoss({ connectionString: url, useListenNotify: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue('effect', { notify: true });
  const options = {
    batchSize: AT_ONCE,
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  };
  const effect = effectOn(url, { onBegin, onDone });
  return {
    start: () => boss.work('effect', options, (jobs) => Promise.all(jobs.map(({ data }) => effect(data)))),
    async enqueue(chores, at) {
      await boss.insert(
        'effect',
        chores.map((chore) => ({ data: { chore }, ...(at && { startAfter: at }) })),
      );
    },
  };
}

async function graphileWorker({ url, onBegin, onDone }) {
  const { Logger, makeWorkerUtils, run } = await import('graphile-worker');
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  const effect = effectOn(url, { onBegin, onDone });
  const preset = { worker: { connectionString: url, concurrentJobs: AT_ONCE, localQueue: { size: AT_ONCE + 1 } } };
  return {
    start: () => run({ preset, logger, taskList: { effect }, noHandleSignals: true, pollInterval: 1_000 }),
    async enqueue(chores, at) {
      await utils.addJobs(
        chores.map((chore) => ({ identifier: 'effect', payload: { chore }, ...(at && { runAt: at }) })),
      );
    },
  };
}
