/** Replicas of two versions of a function: a run goes on in those whose function fits what it has recorded. */
import { expect, it } from '@jest/globals';
import { Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { createClient, waitFor } from '@rondo/rpc/client';
import { eventually } from './fixture.js';
import { before, HARMFUL, HARMLESS } from './runs-changes.js';
import { eachWithRuns, hire, type RunProcess } from './runs-fixture.js';

let database: Database;
const { begin, end, effects } = eachWithRuns((own) => {
  database = own;
});

const harmful = HARMFUL[0]?.[1] ?? before;
const PEOPLE = Array.from({ length: 6 }, (_, index) => `p${index}`);

/** Starts runs, which wait for their approval once this resolves. */
async function startAll({ client }: RunProcess) {
  const operations: { readonly name: string }[] = [];
  for (const person of PEOPLE) operations.push(await client.hire({ person }));
  const asleep = "SELECT FROM jobs WHERE claim IS NULL AND due_time > now() + interval '1 hour'";
  await eventually(async () => expect(await database.query(asleep)).toHaveLength(PEOPLE.length));
  return operations;
}

async function approve({ jobs }: RunProcess, operations: readonly { readonly name: string }[]) {
  for (const { name: run } of operations)
    await database.transaction((tx) =>
      jobs.runs.signal(tx, { run, name: 'approval', type: Approval, message: { by: 'bo' } }),
    );
  jobs.nudge();
}

const endAll = (operations: readonly { readonly name: string }[], { doors }: RunProcess) =>
  Promise.all(operations.map((operation) => waitFor(hire, operation, { channel: doors, timeoutMs: 30_000 })));
const statesIn = async ({ doors }: RunProcess) => {
  const { runs } = await createClient(RunServiceDefinition, { channel: doors }).listRuns({});
  return runs.map(({ state, error }) => ({ state, error }));
};
const unfit = () => database.query('SELECT FROM jobs WHERE unfit IS NOT NULL');

it.each(['old', 'new'])(
  'while replicas of two versions run, each run goes on where it fits: begun by the %s',
  async (first) => {
    const [own, other] = first === 'old' ? [before, harmful] : [harmful, before];
    const started = begin(own);
    const operations = await startAll(started);
    const another = begin(other);
    await eventually(async () => expect(await database.query('SELECT FROM job_owners')).toHaveLength(2));
    await approve(another, operations);
    expect(await endAll(operations, another)).toEqual(PEOPLE.map(() => ({ text: 'hired' })));
    expect((await effects()).filter((entry) => entry.endsWith('welcome'))).toHaveLength(PEOPLE.length);
  },
);

it('runs that no living version fits are parked with the reason, and the next build that fits takes them up', async () => {
  const started = begin(before);
  const operations = await startAll(started);
  await end();
  await database.query('DELETE FROM job_owners'); // time passes
  const only = begin(harmful);
  await approve(only, operations);
  const state = RunState.RUN_STATE_PARKED;
  const error = expect.stringMatching(/^the function asks for konto, and has not asked for /);
  await eventually(async () => expect(await statesIn(only)).toEqual(PEOPLE.map(() => ({ state, error }))));
  expect((await effects()).filter((entry) => entry.endsWith('welcome'))).toEqual([]);
  const fitting = begin(HARMLESS[1]?.[1] ?? before);
  expect(await endAll(operations, fitting)).toEqual(PEOPLE.map(() => ({ text: 'hired' })));
  expect(await unfit()).toEqual([]);
});

it('a run that is parked can be cancelled, and is tried again by each process then', async () => {
  const started = begin(before);
  const [operation = { name: '' }] = await startAll(started);
  await end();
  await database.query('DELETE FROM job_owners');
  const only = begin(harmful);
  await only.operations.cancelOperation({ name: operation.name });
  await eventually(async () => expect(await unfit()).toHaveLength(1));
  const fitting = begin(before);
  await expect(waitFor(hire, operation, { channel: fitting.doors, timeoutMs: 30_000 })).rejects.toMatchObject({
    message: 'the run was cancelled',
  });
});
