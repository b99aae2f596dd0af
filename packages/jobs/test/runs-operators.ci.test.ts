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

it('an operator lists runs, the newest first, and sees each with its steps', async () => {
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
    [succeeds, RunState.RUN_STATE_SUCCEEDED],
    [names['is cancelled'], RunState.RUN_STATE_CANCELLED],
    [fails, RunState.RUN_STATE_FAILED],
    [waits, RunState.RUN_STATE_WAITING],
    [blocks, RunState.RUN_STATE_BLOCKED],
  ] as const;
  const list = async (request: { method?: string; state?: RunState }) =>
    (await operator.listRuns(request)).runs.map(({ name, state }) => [name, state]);
  expect(await list({})).toEqual(expected);
  expect(await list({ method: METHOD })).toEqual(expected);
  expect(await list({ method: `${METHOD}Again` })).toEqual([]);
  for (const [name, state] of expected) expect(await list({ state })).toEqual([[name, state]]);
  expect(await operator.getRun({ name: fails ?? '' })).toMatchObject({
    method: METHOD,
    state: RunState.RUN_STATE_FAILED,
    error: 'no contract',
    undoing: false,
    steps: [{ name: 'contract', kind: 'step', error: 'no contract', repeated: false }],
  });
  expect(await operator.getRun({ name: waits ?? '' })).toMatchObject({
    steps: [{ name: 'approval', kind: 'wait', endTime: undefined }],
  });
  expect((await operator.getRun({ name: blocks ?? '' })).error).toMatch(/can't be stored as JSON/);
});

/** Stores runs in a state, without their processes: the ids have this first letter, and each is newer than the one before. */
async function stored(letter: string, state: keyof typeof ENDS, count: number): Promise<void> {
  const [blocked, code, due, unfit = null] = ENDS[state];
  await database.query(
    `WITH run AS (
       INSERT INTO workflow_runs (id, method, caller, key, fingerprint, request, traceparent, timeline, blocked, code, result, end_time)
       SELECT $1 || lpad(number::text, 25, '0'), $2, '', $1 || number, '', '', '', 1, $3, $4, '', CASE WHEN $4::smallint IS NULL THEN NULL ELSE now() END
       FROM generate_series(1, $5) AS number RETURNING id)
     INSERT INTO jobs (method, key, request, due_time, unfit)
     SELECT replace($2, '/', '.'), id, '', now() + $6::interval, $7::text[] FROM run WHERE $6 IS NOT NULL`,
    [letter, METHOD, blocked, code, count, due, unfit],
  );
}
const ENDS = {
  RUNNING: [null, null, '-1 min'],
  WAITING: [null, null, '1 day'],
  PARKED: [null, null, '-1 min', ['w1']],
  BLOCKED: ['no stock', null, null],
  SUCCEEDED: [null, 0, null],
  FAILED: [null, 9, null],
  CANCELLED: [null, 1, null],
} as const;
const STATES = ['RUNNING', 'WAITING', 'PARKED', 'BLOCKED', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

it.each(STATES)('a list of runs in the state %s has them also if thousands in others are newer', async (state) => {
  const operator = operatorOf(begin(asAsked, { works: false }));
  await stored('0', state, 3);
  for (const [index, other] of STATES.entries()) if (other !== state) await stored(`${index + 1}`, other, 1_001);
  const { runs } = await operator.listRuns({ state: RunState[`RUN_STATE_${state}`] });
  expect(runs.map(({ name }) => name.replace(/.*[/]0+/, ''))).toEqual(['3', '2', '1']);
});

it.each([1, 2, 7])('pages of %i runs have each run once, the newest first', async (pageSize) => {
  const operator = operatorOf(begin(asAsked, { works: false }));
  for (const [letter, state] of ['SUCCEEDED', 'BLOCKED', 'WAITING', 'BLOCKED', 'FAILED'].entries())
    await stored(`${letter}`, state as keyof typeof ENDS, 2);
  const pages: string[] = [];
  for (let pageToken: string | undefined; pageToken !== '' && pages.length <= 10; ) {
    const page = await operator.listRuns({ pageSize, pageToken: pageToken ?? '' });
    pages.push(...page.runs.map(({ name }) => name.replace(/.*[/](.)0+/, '$1')));
    pageToken = page.nextPageToken;
  }
  expect(pages).toEqual(['42', '41', '32', '31', '22', '21', '12', '11', '02', '01']);
  await expect(operator.listRuns({ pageToken: 'next' })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
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
  expect(await operator.getRun({ name })).toMatchObject({ state: RunState.RUN_STATE_BLOCKED, attempts: 3 });
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

it.each([
  { most: '10,000 steps', count: 10_000, sizeBytes: 3, reason: /^the run has 10000 steps, the most: cancel it/ },
  {
    most: '64 MiB of results',
    count: 64,
    sizeBytes: 1024 * 1024,
    reason: /^the results of the run have more than 64 MiB with that of 64: store them elsewhere/,
  },
])('a run has at most $most, and is undone when it is cancelled then', async ({ count, sizeBytes, reason }) => {
  const process = begin(
    async (run) => {
      const undo = () => run.transaction('-0', (tx) => put(tx, '-0'));
      for (let at = 0; at <= count; at += 1) await run.step(String(at), () => at, at === 0 ? { undo } : {});
      return 'done';
    },
    { works: false },
  );
  const operation = await process.client.hire({ person: 'ada' });
  await database.query(
    `INSERT INTO workflow_steps (run, name, kind, undoing, begin_time, end_time, code, result, place)
     SELECT id, number - 1, 'step', false, now(), now(), 0, convert_to('"' || repeat('x', $2 - 2) || '"', 'UTF8'), number
     FROM workflow_runs, generate_series(1, $1) AS number`,
    [count, sizeBytes],
  );
  await process.jobs.start();
  expect(await blocked()).toMatch(reason);
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
