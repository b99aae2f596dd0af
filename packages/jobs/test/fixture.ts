import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { type BatchObservableCallback, createNoopMeter, type Meter, type Observable } from '@opentelemetry/api';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createOutcomeStore, createPool, type Database, migrate, outcomesSchema } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { type Handlers, implement } from '@rondo/rpc/server';
import { createTestChannel } from '@rondo/rpc/testing';
import { createJobs, type Jobs, jobsSchema } from '../src/exports/index.js';

export const { doChore, doAlone, sweep } = ChoreServiceDefinition.methods;

/** Makes the tables of jobs and outcomes, and one that has the effects of handlers. */
export async function createTables(url: string): Promise<Database> {
  const database = createPool({ url });
  for (const { name: part, migrations } of [jobsSchema, outcomesSchema]) await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, chore text NOT NULL)');
  return database;
}

/** Gives each test of a file an empty database, by `use`. `begin` starts a process on it. `processes` end with the test. */
export function eachWithDatabase(use: (database: Database) => void) {
  const processes: Jobs[] = [];
  let postgres: TestPostgres;
  let database: Database;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    database = await createTables(await postgres.createDatabase());
    use(database);
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((jobs) => jobs.close()));
    await database.close();
  });
  const begin = (options: ProcessOptions = {}) => {
    const jobs = startProcess(database, options);
    processes.push(jobs);
    return jobs;
  };
  return { begin, processes };
}

/** Writes an effect, as a handler does. */
export const write = (database: Database, chore: string, during?: () => Promise<void>) =>
  database.transaction(async ({ query }) => {
    await query('INSERT INTO effects (chore) VALUES ($1)', [chore]);
    await during?.();
    return {};
  }, currentWorkLimits());

interface ProcessOptions {
  /** Replaces handlers. */
  readonly chores?: Partial<Handlers<typeof ChoreServiceDefinition>>;
  /** What the jobs have instead of the handlers' database. */
  readonly jobsDatabase?: Database;
  readonly clock?: Clock;
  readonly meter?: Meter;
}

/** A process with jobs: it serves the chores, and runs them. */
export function startProcess(database: Database, options: ProcessOptions = {}): Jobs {
  const { chores, jobsDatabase = database, clock = systemClock, meter } = options;
  const outcomes = createOutcomeStore(database);
  const served = implement(ChoreServiceDefinition, {
    doChore: ({ chore }) => write(database, chore),
    doAlone: ({ chore }) => write(database, chore),
    sweep: () => write(database, 'sweep'),
    ...chores,
  });
  const channel = createTestChannel({ services: [served], outcomes });
  const services = [ChoreServiceDefinition];
  const jobs = createJobs({ database: jobsDatabase, services, channel, log: silentLogger, clock, meter });
  const started = jobs.start();
  return {
    ...jobs,
    async close() {
      await started;
      await jobs.close();
      await outcomes.close();
    },
  };
}

/** Bounds what hangs. */
const TIMEOUT_MS = 300_000;

/** Resolves to what `check` returns as soon as it passes. After five minutes it rejects as `check` last did. */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    await sleep(20);
  }
}

/** A meter, and what its gauges have. */
export function readable() {
  const callbacks: BatchObservableCallback[] = [];
  const named = (name: string) => ({ name, addCallback() {}, removeCallback() {} });
  const meter = Object.assign(createNoopMeter(), {
    createObservableGauge: named,
    addBatchObservableCallback: (callback: BatchObservableCallback) => void callbacks.push(callback),
  });
  const read = async () => {
    const values: Record<string, number> = {};
    const observe = (gauge: Observable, value: number) => {
      values['name' in gauge ? String(gauge.name) : ''] = value;
    };
    for (const callback of callbacks) await callback({ observe });
    return values;
  };
  return { meter, read };
}
