/** Runs of workflows: their steps, signals, undos and failures. */
import { expect, it } from '@jest/globals';
import { AccountServiceDefinition, Approval, HireResponse } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { createClient, waitFor } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { days, type Run, RunFailed } from '../src/exports/index.js';
import { eventually } from './fixture.js';
import { account, desk, eachWithRuns, hire, hiring, payroll, put, recordingLog } from './runs-fixture.js';

let database: Database;
const { begin, end, effects, blocked } = eachWithRuns((own) => {
  database = own;
});

it('calls, transactions and steps are made once, and the operation ends with what the function returns', async () => {
  const process = begin(async (run, person) => {
    const made = await run.call('account', account.write, { entry: `account of ${person}` });
    await run.call('desk', desk.write, { entry: 'desk' });
    const [paid, noted] = await Promise.all([
      run.call('salary', payroll.write, { entry: 'salary' }),
      run.transaction('note', async (transaction) => {
        await put(transaction, 'note');
        return { note: 1 };
      }),
    ]);
    const mailed = await run.step('mail', () => ['sent']);
    return `${made.entry}, ${paid.entry}, ${noted.note}, ${mailed}`;
  });
  const operation = await process.client.hire({ person: 'ada' });
  expect(operation.name).toMatch(/^operations\/rondo\.conformance\.v1\.HiringService\/[0-9A-Z]{26}$/);
  const { text } = await waitFor(hire, operation, { channel: process.doors });
  expect(text).toBe('account of ada, salary, 1, sent');
  expect(await effects()).toEqual(['account of ada', 'desk', 'note', 'salary']);
  expect(await database.query('SELECT FROM jobs')).toEqual([]);
});

it('a key starts one run, and is refused with another request', async () => {
  const process = begin(async () => 'done');
  const metadata = { 'idempotency-key': 'one' };
  const first = await process.client.hire({ person: 'ada' }, { metadata });
  await waitFor(hire, first, { channel: process.doors });
  await database.query('DELETE FROM call_outcomes'); // their retention has passed
  const again = await process.client.hire({ person: 'ada' }, { metadata });
  expect(again).toMatchObject({ name: first.name, done: true });
  await database.query('DELETE FROM call_outcomes');
  await expect(process.client.hire({ person: 'bo' }, { metadata })).rejects.toMatchObject({
    code: Status.ALREADY_EXISTS,
  });
  await expect(
    process.client.hire({ person: 'ada' }, { metadata: { 'idempotency-key': 'two' } }),
  ).resolves.not.toMatchObject({
    name: first.name,
  });
});

it('a signal that came before is read by the next wait, and a wait ends by its time', async () => {
  const process = begin(async (run) => {
    const first = await run.wait('first', Approval, { for: days(3), signal: 'approval' });
    const second = await run.wait('second', Approval, { for: days(3), signal: 'approval' });
    const third = await run.wait('third', Approval, { for: 1, signal: 'approval' });
    return `${first?.by}, ${second?.by}, ${third?.by}`;
  });
  const { jobs } = process;
  const enqueue = { request: { person: 'ada' }, key: 'ada' };
  const workflow = hiring(async () => '');
  await expect(
    database.transaction((transaction) => jobs.runs.enqueue(transaction, workflow, enqueue)),
  ).rejects.toThrow(/Hire is no workflow of this service/);
  const operation = await process.client.hire({ person: 'ada' });
  for (const by of ['bo', 'cy'])
    await database.transaction((transaction) =>
      jobs.runs.signal(transaction, { run: operation.name, name: 'approval', type: Approval, message: { by } }),
    );
  jobs.nudge();
  const { text } = await waitFor(hire, operation, { channel: process.doors });
  expect(text).toBe('bo, cy, undefined');
  await expect(
    database.transaction((transaction) =>
      jobs.runs.signal(transaction, { run: operation.name, name: 'approval', type: Approval, message: { by: 'di' } }),
    ),
  ).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION });
});

it('a run that sleeps is held by no process, and goes on', async () => {
  const process = begin(async (run) => {
    await run.sleep('long', days(1));
    return 'awake';
  });
  const operation = await process.client.hire({ person: 'ada' });
  const asleep = "SELECT FROM jobs WHERE claim IS NULL AND due_time > now() + interval '1 hour'";
  await eventually(async () => expect(await database.query(asleep)).toHaveLength(1));
  for (const table of ['workflow_steps', 'jobs']) await database.query(`UPDATE ${table} SET due_time = now()`); // a day passes
  process.jobs.nudge();
  expect((await waitFor(hire, operation, { channel: process.doors })).text).toBe('awake');
});

it('a run whose request has what this contract does not read is parked, and not executed without it', async () => {
  await begin(async () => 'read', { works: false }).client.hire({ person: 'ada' });
  // A field of another version: its number is 99, and its value 1.
  await database.query("UPDATE workflow_runs SET request = request || '\\x980601'");
  const { doors } = begin(async () => 'misread');
  const client = createClient(RunServiceDefinition, { channel: doors });
  await eventually(async () => {
    const { runs } = await client.listRuns({ state: RunState.RUN_STATE_PARKED });
    expect(runs).toMatchObject([{ error: expect.stringContaining('does not read') }]);
  });
});

it('a failure undoes what was done, last first, and the operation ends with it', async () => {
  const process = begin(async (run) => {
    await run.call(
      'a',
      account.write,
      { entry: 'a' },
      { undo: ({ entry }) => run.call('-a', account.write, { entry: `4 -${entry}` }) },
    );
    await run.step('b', () => 'b', { undo: (made) => run.transaction('-b', (tx) => put(tx, `3 -${made}`)) });
    await run.transaction('c', (tx) => put(tx, 'c'), { undo: () => run.transaction('-c', (tx) => put(tx, '2 -c')) });
    throw new RunFailed('nobody wants this', { code: Status.NOT_FOUND });
  });
  const operation = await process.client.hire({ person: 'ada' });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    message: 'nobody wants this',
  });
  const steps = await database.query<{ name: string }>('SELECT name FROM workflow_steps ORDER BY place');
  const names = ['a', 'b', 'c', '-c', 'undo\u00a0c', '-b', 'undo\u00a0b', '-a', 'undo\u00a0a'];
  expect(steps.map(({ name }) => name)).toEqual(names);
  expect(await effects()).toEqual(['2 -c', '3 -b', '4 -a', 'a', 'c']);
});

it('an error that is not final is tried again, and waits for an operator after max_attempts with nothing undone', async () => {
  let attempts = 0;
  const process = begin(async (run) => {
    await run.transaction('a', (tx) => put(tx, 'a'), { undo: () => run.transaction('-a', (tx) => put(tx, '-a')) });
    await run.step('b', () => {
      attempts += 1;
      if (attempts < 4) throw new Error('the printer is out of paper');
    });
    return 'done';
  });
  const operation = await process.client.hire({ person: 'ada' });
  await eventually(async () => {
    await database.query('UPDATE jobs SET due_time = now() WHERE claim IS NULL'); // its pauses pass
    const { blocked: reason } = await database.one<{ blocked: string | null }>('SELECT blocked FROM workflow_runs');
    expect(reason).toMatch(/^the printer is out of paper: remove the cause/);
  });
  expect(attempts).toBe(3);
  expect(await effects()).toEqual(['a']);
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({ code: Status.CANCELLED });
  expect(await effects()).toEqual(['-a', 'a']);
});

it('the log warns of the first failure of a step with its callee and the reason, and says that the run waits', async () => {
  const write = () => {
    throw new RpcError(Status.INVALID_ARGUMENT, 'entry: is empty');
  };
  const { log, lines } = recordingLog();
  const process = begin(async (run) => (await run.call('account', account.write, { entry: '' })).entry, {
    services: [standIn(AccountServiceDefinition, { write })],
    log,
  });
  const { name } = await process.client.hire({ person: 'ada' });
  await blocked();
  await end();
  const workflow = 'rondo.conformance.v1.HiringService/Hire';
  const method = 'rondo.conformance.v1.AccountService/Write';
  const fault = `step account, a call of ${method}, failed: INVALID_ARGUMENT: entry: is empty`;
  const common = { run: name, workflow, step: 'account', method };
  expect(lines).toEqual([
    ['warn', expect.objectContaining({ ...common, attempt: 1 }), `${name}: ${fault}; it is tried again`],
    ['error', expect.objectContaining({ ...common, attempt: 3 }), expect.stringContaining('entry: is empty: remove')],
  ]);
});

it('a name used twice, a method without idempotency, and a result that JSON lacks wait for an operator, who reads why', async () => {
  const bodies: [RegExp, (run: Run) => Promise<unknown>][] = [
    [/two steps have the name mail/, async (run) => [await run.step('mail', () => 1), await run.step('mail', () => 1)]],
    [
      /AccountService\/WriteAgain, which takes effect again/,
      (run) => run.call('again', account.writeAgain, { entry: 'x' }),
    ],
    [/the result of big can't be stored as JSON/, (run) => run.step('big', () => 1n)],
    [/the result of huge has 1048579 bytes/, (run) => run.step('huge', () => 'x'.repeat(1024 * 1024 + 1))],
  ];
  for (const [text, body] of bodies) {
    const process = begin(async (run) => String(await body(run)));
    await process.client.hire({ person: 'ada' });
    expect(await blocked()).toMatch(text);
    expect(await effects()).toEqual([]);
    await end();
    await database.query('DELETE FROM workflow_runs');
    await database.query('DELETE FROM jobs'); // where one of them was parked
  }
  const process = begin(
    async (run) => (await run.call('again', account.writeAgain, { entry: 'x' }, { atLeastOnce: true })).entry,
  );
  const operation = await process.client.hire({ person: 'ada' });
  expect((await waitFor(hire, operation, { channel: process.doors })).text).toBe('x');
});

it('a function that decides by chance is parked before any effect, with both names', async () => {
  const first = begin(async (run) => {
    await run.transaction('heads', (tx) => put(tx, 'heads'));
    await run.wait('approval', Approval);
    return 'done';
  });
  const operation = await first.client.hire({ person: 'ada' });
  await eventually(async () =>
    expect(
      await database.query("SELECT FROM jobs WHERE claim IS NULL AND due_time > now() + interval '1 hour'"),
    ).toHaveLength(1),
  );
  await end();
  const { log, lines } = recordingLog();
  const differs = async (run: Run) => {
    await run.transaction('tails', (tx) => put(tx, 'tails'));
    return 'done';
  };
  const second = begin(differs, { log });
  await database.query('UPDATE jobs SET due_time = now()');
  second.jobs.nudge();
  expect(await blocked()).toMatch(/asks for tails, and has not asked for heads, approval, which is recorded/);
  const fields = { run: operation.name, workflow: 'rondo.conformance.v1.HiringService/Hire' };
  const text = expect.stringContaining('is left to processes of another version: the function asks for tails');
  await eventually(async () => expect(lines).toEqual([['warn', fields, text]]));
  expect(await effects()).toEqual(['heads']);
  expect((await second.operations.getOperation({ name: operation.name })).done).toBe(false);
  expect(HireResponse.$type).toBe('rondo.conformance.v1.HireResponse');
});
