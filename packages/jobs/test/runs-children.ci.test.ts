/** A workflow called as a step: it starts once, its end is the step's outcome, and a cancel passes on. */
import { afterEach, expect, it } from '@jest/globals';
import { Approval, HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import type { Database } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, waitFor } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { createJobs, type Jobs, type Run, RunFailed, workflow } from '../src/exports/index.js';
import { eventually } from './fixture.js';
import { calledServices, createRunTables, dismiss, eachWithRuns, hire, put } from './runs-fixture.js';

let database: Database;
const { begin, effects } = eachWithRuns((own) => {
  database = own;
});
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A process with the child's workflow. */
function beginChildren(own: Database, body: (run: Run, person: string) => Promise<string>) {
  const child = workflow(dismiss, async ({ person }, run) => ({ text: await body(run, person) }));
  const channel = createTestChannel({ services: calledServices(own) });
  const services = [HiringServiceDefinition];
  const jobs: Jobs = createJobs({ database: own, services, workflows: [child], channel, log: silentLogger });
  void jobs.start();
  ends.push(async () => await jobs.stop());
  const served = [standIn(HiringServiceDefinition, { dismiss: jobs.runs.handler(child) }), ...(jobs.services ?? [])];
  const signal = async () => {
    const run = await own.one<{ id: string }>("SELECT id FROM workflow_runs WHERE method LIKE '%Dismiss'");
    const name = `operations/rondo.conformance.v1.HiringService/${run.id}`;
    await own.transaction((tx) =>
      jobs.runs.signal(tx, { run: name, name: 'ok', type: Approval, message: { by: 'bo' } }),
    );
    jobs.nudge();
  };
  return { served, signal };
}

const waits = async (run: Run, person: string) => {
  await run.transaction('desk', (tx) => put(tx, 'desk'), {
    undo: () => run.transaction('-desk', (tx) => put(tx, '1 -desk')),
  });
  const approval = await run.wait('ok', Approval);
  return `${person} by ${approval?.by}`;
};
const parent = async (run: Run, person: string) => {
  const undo = () => run.transaction('-badge', (tx) => put(tx, '2 -badge'));
  await run.transaction('badge', (tx) => put(tx, 'badge'), { undo });
  return (await run.call('child', dismiss, { person })).text;
};

/** Loses the first reply, after it took effect. */
const losing = (channel: Channel): Channel => {
  let lost = false;
  const middleware: Channel['middleware'] = [
    async (call, next) => {
      const reply = await next(call);
      if (lost) return reply;
      lost = true;
      throw new RpcError(Status.INTERNAL, 'the reply is lost');
    },
  ];
  return { ...channel, middleware };
};
/** Lets the parent, which no process has, go on in an hour at the earliest, unless it is woken. */
const delay = () =>
  eventually(async () => {
    const sql =
      "UPDATE jobs SET due_time = now() + interval '1 h' WHERE method LIKE '%Hire' AND claim IS NULL AND EXISTS (SELECT FROM workflow_steps WHERE kind = 'child' AND signal IS NOT NULL) RETURNING id";
    expect(await database.query(sql)).toHaveLength(1);
  });

it('a child starts once, also if its reply is lost, and its end wakes the parent that no process holds', async () => {
  const children = beginChildren(database, waits);
  const process = begin(parent, { services: [...calledServices(database), ...children.served], wrap: losing });
  const operation = await process.client.hire({ person: 'ada' });
  await eventually(async () => expect(await effects()).toEqual(['badge', 'desk']));
  await delay();
  await children.signal();
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'ada by bo' });
  expect(await database.query("SELECT FROM workflow_runs WHERE method LIKE '%Dismiss'")).toHaveLength(1);
});

it('the error with which a child ends is the outcome of the step', async () => {
  const children = beginChildren(database, () => Promise.reject(new RunFailed('no desk', { code: Status.NOT_FOUND })));
  const process = begin(
    (run, person) => parent(run, person).catch((error: RunFailed) => `${error.codeName}: ${error.message}`),
    { services: [...calledServices(database), ...children.served] },
  );
  const operation = await process.client.hire({ person: 'ada' });
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'NOT_FOUND: no desk' });
});

it('a cancel passes on to the child, whose undos are made before those of the parent', async () => {
  const children = beginChildren(database, waits);
  const process = begin(parent, { services: [...calledServices(database), ...children.served] });
  const operation = await process.client.hire({ person: 'ada' });
  await eventually(async () => expect(await effects()).toEqual(['badge', 'desk']));
  await delay();
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({ code: Status.CANCELLED });
  expect(await database.query('SELECT FROM workflow_runs WHERE end_time IS NOT NULL AND code = 1')).toHaveLength(2);
  const undone =
    "SELECT FROM workflow_steps AS a, workflow_steps AS b WHERE a.name = '-desk' AND b.name = '-badge' AND a.end_time < b.end_time";
  expect(await database.query(undone)).toHaveLength(1);
});

it('a child in another database is asked for, and less often as it gets older', async () => {
  const postgres = await startTestPostgres();
  ends.push(() => postgres.stop());
  const elsewhere = await createRunTables(await postgres.createDatabase());
  ends.push(() => elsewhere.close());
  const children = beginChildren(elsewhere, waits);
  const process = begin(parent, { services: [...calledServices(database), ...children.served] });
  const operation = await process.client.hire({ person: 'ada' });
  const next =
    "SELECT EXTRACT(epoch FROM due_time - now())::float8 AS seconds FROM workflow_steps WHERE kind = 'child' AND due_time > now()";
  await eventually(async () => expect(await database.query(next)).toHaveLength(1));
  await database.query("UPDATE workflow_steps SET begin_time = begin_time - interval '1 min' WHERE kind = 'child'");
  await eventually(async () => expect((await database.one<{ seconds: number }>(next)).seconds).toBeGreaterThan(25));
  await children.signal();
  await eventually(async () =>
    expect(await elsewhere.query('SELECT FROM workflow_runs WHERE end_time IS NOT NULL')).toHaveLength(1),
  );
  await database.query('UPDATE jobs SET due_time = now()'); // half a minute passes
  process.jobs.nudge();
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'ada by bo' });
});
