import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import {
  AccountServiceDefinition,
  DeskServiceDefinition,
  HiringServiceDefinition,
  PayrollServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createOutcomeStore, createPool, type Database, migrate, outcomesSchema, type Queries } from '@rondo/database';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { currentWorkLimits, type Logger, silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { OPERATIONS } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { createJobs, jobsSchema, type Run, type Workflow, workflow } from '../src/exports/index.js';
import { runsSchema } from '../src/runs/schema.js';
import { eventually } from './fixture.js';

export const { hire, dismiss } = HiringServiceDefinition.methods;
export const account = AccountServiceDefinition.methods;
export const desk = DeskServiceDefinition.methods;
export const payroll = PayrollServiceDefinition.methods;

/** Makes the tables of runs and of outcomes, and one that has the effects of steps. */
export async function createRunTables(url: string): Promise<Database> {
  const database = createPool({ url });
  for (const { name: part, migrations } of [jobsSchema, runsSchema, outcomesSchema])
    await migrate(database, { part, migrations });
  await database.query('CREATE TABLE effects (entry text NOT NULL)');
  return database;
}

/** Writes an effect. */
export const put = ({ query }: Queries, entry: string) => query('INSERT INTO effects (entry) VALUES ($1)', [entry]);

/** What a step calls: each writes an effect, in the transaction of its key if it has one. */
export function calledServices(database: Database): readonly ServiceImplementation[] {
  const write = ({ entry }: { readonly entry: string }) =>
    database.transaction(async (transaction) => {
      await put(transaction, entry);
      return { entry };
    }, currentWorkLimits());
  return [
    implement(AccountServiceDefinition, { write, writeAgain: write }),
    implement(DeskServiceDefinition, { write }),
    implement(PayrollServiceDefinition, { write }),
  ];
}

/** A workflow of `Hire` with this function, which returns a text. */
export const hiring = (body: (run: Run, person: string) => Promise<string>): Workflow<typeof hire> =>
  workflow(hire, async ({ person }, run) => ({ text: await body(run, person) }));

/** A log whose warnings and errors can be read. */
export function recordingLog() {
  const lines: (readonly [level: string, fields: object, message: string])[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message]);
  const log: Logger = { ...silentLogger, warn: at('warn'), error: at('error') };
  return { log, lines };
}

interface ProcessOptions {
  readonly workflow: Workflow<typeof hire>;
  /** Whether it executes runs; true by default. */
  readonly works?: boolean;
  /** What the runs have instead of the database. */
  readonly runsDatabase?: Database;
  readonly services?: readonly ServiceImplementation[];
  readonly wrap?: (channel: Channel) => Channel;
  readonly log?: Logger;
}

/** A process with a workflow: it starts runs, and executes them. */
export function startRuns(database: Database, options: ProcessOptions) {
  const { workflow: own, works = true, runsDatabase = database, wrap = (one) => one, log = silentLogger } = options;
  const { services = calledServices(database) } = options;
  const outcomes = createOutcomeStore(database);
  const channel = wrap(createTestChannel({ services, outcomes }));
  const context = { database: runsDatabase, channel, log };
  const jobs = createJobs({ ...context, services: [HiringServiceDefinition], workflows: [own] });
  const served = [standIn(HiringServiceDefinition, { hire: jobs.runs.handler(own) }), ...(jobs.services ?? [])];
  const doors = createTestChannel({ services: served, outcomes });
  if (works) void jobs.start();
  return {
    jobs,
    doors,
    served,
    operations: createClient(OPERATIONS, { channel: doors, at: 'rondo.conformance.v1.HiringService' }),
    client: createClient(HiringServiceDefinition, { channel: doors }),
    async close() {
      await jobs.stop();
      await outcomes.close();
    },
  };
}

export type RunProcess = ReturnType<typeof startRuns>;

/** Gives each test of a file an empty database, by `use`. What `begin` starts ends with the test. */
export function eachWithRuns(use: (database: Database) => void) {
  const processes: RunProcess[] = [];
  let postgres: TestPostgres;
  let database: Database;
  const end = async (...some: readonly RunProcess[]) => {
    const ending = processes.filter((one) => some.length === 0 || some.includes(one));
    for (const one of ending) processes.splice(processes.indexOf(one), 1);
    await Promise.all(ending.map((one) => one.close()));
  };
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    database = await createRunTables(await postgres.createDatabase());
    use(database);
  });
  afterEach(async () => {
    await end();
    await database.close();
  });
  const given = async () =>
    await database.query("SELECT FROM jobs WHERE claim IS NULL AND due_time > now() + interval '1 min'");
  const pass = () => database.query('UPDATE jobs SET due_time = now() WHERE claim IS NULL AND attempts > 0');
  return {
    /** A process whose runs have this function. */
    begin(body: (run: Run, person: string) => Promise<string>, options: Partial<ProcessOptions> = {}) {
      const started = startRuns(database, { workflow: hiring(body), ...options });
      processes.push(started);
      return started;
    },
    /** Ends these processes, or all. */
    end,
    /** What steps have written. */
    effects: async () =>
      (await database.query<{ entry: string }>('SELECT entry FROM effects ORDER BY entry')).map(({ entry }) => entry),
    /** Resolves with `until`. The pauses between attempts pass at once. */
    passed: async (until: Promise<unknown>) => {
      let isOver = false;
      const over = until.then(() => {
        isOver = true;
      });
      await eventually(async () => {
        await pass();
        expect(isOver).toBe(true);
      });
      await over;
    },
    /** Resolves once a run waits for an operator, or no function fits it, to the reason. The pauses between attempts pass at once. */
    blocked: () =>
      eventually(async () => {
        await pass();
        const row = await database.one<{ blocked: string | null }>(
          'SELECT coalesce(blocked, (SELECT error FROM jobs WHERE unfit IS NOT NULL AND claim IS NULL)) AS blocked FROM workflow_runs',
        );
        expect(row.blocked).not.toBeNull();
        return row.blocked;
      }),
    /** Resolves once a run sleeps or waits, held by no process. */
    asleep: () => eventually(async () => expect(await given()).toHaveLength(1)),
  };
}
