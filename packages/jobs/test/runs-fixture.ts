import {
  AccountServiceDefinition,
  DeskServiceDefinition,
  HiringServiceDefinition,
  PayrollServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createOutcomeStore, createPool, type Database, migrate, outcomesSchema, type Queries } from '@rondo/database';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { createJobs, jobsSchema, type Run, type Workflow, workflow } from '../src/exports/index.js';
import { runsSchema } from '../src/runs/schema.js';

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

interface ProcessOptions {
  readonly workflow: Workflow<typeof hire>;
  /** What the runs have instead of the database. */
  readonly runsDatabase?: Database;
  readonly services?: readonly ServiceImplementation[];
  readonly wrap?: (channel: Channel) => Channel;
}

/** A process with a workflow: it starts runs, and executes them. */
export function startRuns(database: Database, options: ProcessOptions) {
  const { workflow: own, runsDatabase = database, services = calledServices(database), wrap = (one) => one } = options;
  const outcomes = createOutcomeStore(database);
  const channel = wrap(createTestChannel({ services, outcomes }));
  const context = { database: runsDatabase, channel, log: silentLogger };
  const jobs = createJobs({ ...context, services: [HiringServiceDefinition], workflows: [own] });
  const served = [standIn(HiringServiceDefinition, { hire: jobs.runs.handler(own) }), ...(jobs.services ?? [])];
  const doors = createTestChannel({ services: served, outcomes });
  void jobs.start();
  return {
    jobs,
    doors,
    client: createClient(HiringServiceDefinition, { channel: doors }),
    async close() {
      await jobs.stop();
      await outcomes.close();
    },
  };
}
