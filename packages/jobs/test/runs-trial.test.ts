/** The trial of `rondo rollout check`: it names what would harm runs that are stored, raises no false alarm, and has no effect. */
import { expect, it } from '@jest/globals';
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RunRecords, RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { createClient } from '@rondo/rpc/client';
import { declaredRuns } from '../src/runs/runs.js';
import { tryRun } from '../src/runs/trial.js';
import { eventually } from './fixture.js';
import { before, HARMFUL, HARMLESS } from './runs-changes.js';
import { eachWithRuns, hiring, put } from './runs-fixture.js';

const PACKAGE = 'rondo.conformance.v1.';

let database: Database;
const { begin, asleep } = eachWithRuns((own) => {
  database = own;
});

const stored = () =>
  Promise.all(
    ['effects', 'jobs', 'workflow_runs', 'workflow_steps'].map((table) => database.query(`SELECT * FROM ${table}`)),
  );

it('30 changes of a function: the 15 that harm a run are named, the others are not, and nothing is written', async () => {
  const { client, doors } = begin(before);
  const { name } = await client.hire({ person: 'ada' });
  await asleep();
  const records: Uint8Array[] = [];
  for await (const record of createClient(RunServiceDefinition, { channel: doors }).readRecords({}))
    records.push(RunRecords.encode(record).finish());
  expect(records.map((record) => RunRecords.decode(record).name)).toEqual([name]);
  const beforehand = await stored();
  const tried = (body: typeof before) =>
    tryRun(declaredRuns([HiringServiceDefinition], [hiring(body)]), records[0] ?? new Uint8Array());
  const faultOf = async (body: typeof before) => (await tried(body))?.fault;
  expect([HARMFUL.length, HARMLESS.length]).toEqual([15, 15]);
  for (const [what, body, reason] of HARMFUL)
    expect([what, await faultOf(body)]).toEqual([what, expect.stringMatching(reason)]);
  for (const [what, body] of HARMLESS) expect([what, await faultOf(body)]).toEqual([what, undefined]);
  const read = ['HireRequest', 'WriteResponse', 'Approval'].map((type) => PACKAGE + type);
  expect(await tried(before)).toEqual({ fault: undefined, messages: read });
  expect(await stored()).toEqual(beforehand);
});

it('a step that has begun is not made in a trial, and the results that it reads are named', async () => {
  let made = 0;
  const body = async (run: Parameters<typeof before>[0]) => {
    await run.transaction('note', (tx) => put(tx, 'note'));
    return await run.step('mail', () => {
      made += 1;
      throw new Error('the printer is out of paper');
    });
  };
  const { client, doors } = begin(body);
  await client.hire({ person: 'ada' });
  const failed =
    "UPDATE jobs SET due_time = now() + interval '1 hour' WHERE claim IS NULL AND error <> '' RETURNING id";
  await eventually(async () => expect(await database.query(failed)).toHaveLength(1));
  const { readRecords } = createClient(RunServiceDefinition, { channel: doors });
  for await (const record of readRecords({})) {
    const times = made;
    const declared = declaredRuns([HiringServiceDefinition], [hiring(body)]);
    expect(await tryRun(declared, RunRecords.encode(record).finish())).toEqual({
      fault: undefined,
      messages: [`${PACKAGE}HireRequest`],
    });
    expect(made).toBe(times);
  }
  expect(made).toBeGreaterThan(0);
});
