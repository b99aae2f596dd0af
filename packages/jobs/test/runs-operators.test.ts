/** What operators see of runs, and the limits and the retention of runs. */
import { expect, it } from '@jest/globals';
import { Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { createClient, waitFor } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { type Run, RunFailed } from '../src/exports/index.js';
import { pruneRuns } from '../src/runs/rows.js';
import { eachWithRuns, hire, put, type RunProcess } from './runs-fixture.js';

let database: Database;
const { begin, asleep, blocked, effects } = eachWithRuns((own) => {
  database = own;
});

const operatorOf = ({ served }: RunProcess, identity?: string) =>
  createClient(RunServiceDefinition, { channel: createTestChannel({ services: served, identity }) });
const METHOD = 'rondo.conformance.v1.HiringService/Hire';

/** A function that ends as its person says. */
const asAsked = async (run: Run, person: string) => {
  if (person === 'waits') await run.wait('approval', Approval);
  await run.step('contract', () => {
    if (person === 'fails') throw new RunFailed('no contract');
    return person === 'blocks' ? 1n : 1;
  });
  return person;
};

it('an operator lists runs, those that wait for an operator first, and sees each with its steps', async () => {
  const process = begin(asAsked);
  const names: Record<string, string> = {};
  for (const person of ['blocks', 'waits', 'fails', 'is cancelled', 'succeeds']) {
    const { name } = await process.client.hire({ person: person === 'is cancelled' ? 'waits' : person });
    names[person] = name;
    if (person === 'is cancelled') await process.operations.cancelOperation({ name });
    if (person === 'blocks') await blocked();
    else if (person === 'waits') await asleep();
    else await process.operations.waitOperation({ name });
  }
  const operator = operatorOf(process);
  const { blocks, waits, fails, succeeds } = names;
  const expected = [
    [blocks, RunState.RUN_STATE_BLOCKED],
    [succeeds, RunState.RUN_STATE_SUCCEEDED],
    [names['is cancelled'], RunState.RUN_STATE_CANCELLED],
    [fails, RunState.RUN_STATE_FAILED],
    [waits, RunState.RUN_STATE_WAITING],
  ] as const;
  const list = async (request: { method?: string; state?: RunState }) =>
    (await operator.listRuns(request)).runs.map(({ name, state }) => [name, state]);
  expect(await list({})).toEqual(expected);
  expect(await list({ method: METHOD })).toEqual(expected);
  expect(await list({ method: `${METHOD}Again` })).toEqual([]);
  for (const [name, state] of expected) expect(await list({ state })).toEqual([[name, state]]);
  expect(await operator.getRun({ name: fails ?? '' })).toMatchObject({
    ...{ method: METHOD, state: RunState.RUN_STATE_FAILED, error: 'no contract', undoing: false },
    steps: [{ name: 'contract', kind: 'step', error: 'no contract', repeated: false }],
  });
  expect(await operator.getRun({ name: waits ?? '' })).toMatchObject({
    steps: [{ name: 'approval', kind: 'wait', endTime: undefined }],
  });
  expect((await operator.getRun({ name: blocks ?? '' })).error).toMatch(/can't be stored as JSON/);
});

it('a retry goes on with a run, and a cancel ends it; both refuse one that has ended, and one of another service', async () => {
  let isMended = false;
  const process = begin(async (run) => {
    await run.transaction('a', (tx) => put(tx, 'a'));
    return await run.step('b', () => {
      if (!isMended) throw new Error('the printer is out of paper');
      return 'printed';
    });
  });
  const { name } = await process.client.hire({ person: 'ada' });
  expect(await blocked()).toMatch(/^the printer is out of paper/);
  const operator = operatorOf(process);
  const other = name.replace('Hiring', 'Account');
  for (const act of [operator.getRun, operator.retryRun, operator.cancelRun])
    await expect(act({ name: other })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  isMended = true;
  expect(await operator.retryRun({ name })).toMatchObject({ name, error: expect.not.stringContaining('operator') });
  expect(await waitFor(hire, { name }, { channel: process.doors })).toEqual({ text: 'printed' });
  expect(await effects()).toEqual(['a']);
  for (const act of [operator.retryRun, operator.cancelRun])
    await expect(act({ name })).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION });
});

it('a process that is no operator neither sees runs nor resolves them', async () => {
  const process = begin(asAsked);
  const { name } = await process.client.hire({ person: 'waits' });
  await asleep();
  const { listRuns, getRun, retryRun, cancelRun } = operatorOf(process, 'spiffe://rondo/sales');
  const refused = { code: Status.PERMISSION_DENIED };
  await expect(listRuns({})).rejects.toMatchObject(refused);
  for (const act of [getRun, retryRun, cancelRun]) await expect(act({ name })).rejects.toMatchObject(refused);
  expect(await process.operations.getOperation({ name })).toMatchObject({ done: false });
});

it('a run is removed with its steps once its retention has passed, and no other', async () => {
  const process = begin(asAsked);
  const past = await process.client.hire({ person: 'past' });
  const kept = await process.client.hire({ person: 'kept' });
  const waiting = await process.client.hire({ person: 'waits' });
  for (const { name } of [past, kept]) await process.operations.waitOperation({ name });
  await asleep();
  const left = await database.query<{ left: number }>(
    'SELECT extract(epoch FROM expire_time - end_time)::integer AS left FROM workflow_runs WHERE expire_time IS NOT NULL',
  );
  expect(left).toEqual([{ left: 3_600 }, { left: 3_600 }]);
  const id = past.name.split('/').at(-1) ?? '';
  await database.query("UPDATE workflow_runs SET expire_time = now() - interval '1 s' WHERE id = $1", [id]);
  await pruneRuns(database, new AbortController().signal);
  await expect(process.operations.getOperation({ name: past.name })).rejects.toMatchObject({ code: Status.NOT_FOUND });
  expect(await database.query('SELECT FROM workflow_steps WHERE run = $1', [id])).toEqual([]);
  expect(await process.operations.getOperation({ name: kept.name })).toMatchObject({ done: true });
  expect(await process.operations.getOperation({ name: waiting.name })).toMatchObject({ done: false });
});

it('a run has at most 10,000 steps, and is undone when it is cancelled then', async () => {
  const process = begin(
    async (run) => {
      const undo = () => run.transaction('-0', (tx) => put(tx, '-0'));
      for (let at = 0; at <= 10_000; at += 1) await run.step(String(at), () => at, at === 0 ? { undo } : {});
      return 'done';
    },
    { works: false },
  );
  const operation = await process.client.hire({ person: 'ada' });
  await database.query(
    `INSERT INTO workflow_steps (run, name, kind, undoing, begin_time, end_time, code, result, place)
     SELECT id, number - 1, 'step', false, now(), now(), 0, convert_to((number - 1)::text, 'UTF8'), number
     FROM workflow_runs, generate_series(1, 10000) AS number`,
  );
  await process.jobs.start();
  expect(await blocked()).toMatch(/^the run has 10000 steps, the most: cancel it/);
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({ code: Status.CANCELLED });
  expect(await effects()).toEqual(['-0']);
});

it.each<[string, string, RegExp]>([
  ['used twice', 'a', /^two steps have the name a:/],
  ['too long', 'x'.repeat(201), /^the name of a step has 1 to 200 characters/],
])('a run with a name %s is undone when it is cancelled', async (_fault, name, reason) => {
  const process = begin(async (run) => {
    await run.transaction('a', (tx) => put(tx, 'a'), { undo: () => run.transaction('-a', (tx) => put(tx, '-a')) });
    await run.step(name, () => 1);
    return 'done';
  });
  const operation = await process.client.hire({ person: 'ada' });
  expect(await blocked()).toMatch(reason);
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({ code: Status.CANCELLED });
  expect(await effects()).toEqual(['-a', 'a']);
});

it('a run lasts at most a year, also one that waits without a time, and is undone when it is cancelled then', async () => {
  const process = begin(async (run) => {
    await run.transaction('a', (tx) => put(tx, 'a'), { undo: () => run.transaction('-a', (tx) => put(tx, '-a')) });
    await run.wait('approval', Approval);
    return 'approved';
  });
  const operation = await process.client.hire({ person: 'ada' });
  await asleep();
  const due = "SELECT FROM jobs, workflow_runs WHERE jobs.due_time = workflow_runs.create_time + interval '1 year'";
  expect(await database.query(due)).toHaveLength(1);
  await database.query("UPDATE workflow_runs SET create_time = create_time - interval '1 year'");
  await database.query('UPDATE jobs SET due_time = now()');
  process.jobs.nudge();
  expect(await blocked()).toMatch(/^the run is a year old, the longest that a run lasts: cancel it/);
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({ code: Status.CANCELLED });
  expect(await effects()).toEqual(['-a', 'a']);
});
