/** Runs that are cancelled, and undos and calls that wait for an operator. */
import { expect, it } from '@jest/globals';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { type Channel, createClient, waitFor } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { type Run, RunFailed } from '../src/exports/index.js';
import { account, eachWithRuns, hire, put, type RunProcess } from './runs-fixture.js';

let database: Database;
const { begin, effects, blocked, passed } = eachWithRuns((own) => {
  database = own;
});

const operatorOf = ({ doors }: RunProcess) => createClient(RunServiceDefinition, { channel: doors });
const cancelled = { code: Status.CANCELLED, message: 'the run was cancelled' };
/** A step whose undo writes. */
const own = (run: Run, name: string) =>
  run.transaction(name, (tx) => put(tx, name), {
    undo: () => run.transaction(`-${name}`, (tx) => put(tx, `-${name}`)),
  });

/** What the test opens. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const outOfPaper = () => {
  throw new Error('the printer is out of paper');
};

it.each([
  { how: 'succeeds', last: 1, end: () => 'made', undone: 'made' },
  { how: 'fails', last: 2, end: outOfPaper, undone: undefined },
  { how: 'fails at its last attempt', last: 3, end: outOfPaper, undone: undefined },
])('a cancel while a step runs undoes what was done once the step $how', async ({ last, end, undone }) => {
  const [began, held] = [gate(), gate()];
  let attempts = 0;
  const process = begin(async (run) => {
    await own(run, 'a');
    await run.step(
      'b',
      async () => {
        attempts += 1;
        if (attempts < last) return outOfPaper();
        began.open();
        await held.opened;
        return end();
      },
      { undo: (made) => run.transaction('-b', (tx) => put(tx, `-b of ${made}`)) },
    );
    await own(run, 'c');
    return 'done';
  });
  const operation = await process.client.hire({ person: 'ada' });
  await passed(began.opened);
  await process.operations.cancelOperation({ name: operation.name });
  expect(await process.operations.getOperation(operation)).toMatchObject({ done: false });
  held.open();
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject(cancelled);
  expect(await effects()).toEqual(['-a', `-b of ${undone}`, 'a']);
});

it('an undo that fails for good waits for an operator, and a retry goes on with the others', async () => {
  const process = begin(async (run) => {
    await own(run, 'a');
    await run.step('b', () => 'b', {
      undo: () =>
        run.step('-b', () => {
          throw new RunFailed('the account \0 is closed'); // which PostgreSQL would not store
        }),
    });
    await own(run, 'c');
    throw new RunFailed('nobody wants this');
  });
  const operation = await process.client.hire({ person: 'ada' });
  expect(await blocked()).toMatch(/^b can't be undone: the account \\0 is closed; undo it by hand, then retry the run/);
  expect(await effects()).toEqual(['-c', 'a', 'c']);
  const operator = operatorOf(process);
  expect(await operator.getRun({ name: operation.name })).toMatchObject({
    state: RunState.RUN_STATE_BLOCKED,
    undoing: true,
  });
  await operator.retryRun({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({
    message: 'nobody wants this',
  });
  expect(await effects()).toEqual(['-a', '-c', 'a', 'c']);
});

it('a plain step whose outcome is not known is undone without a result, before what was done earlier', async () => {
  const undone: unknown[] = [];
  const process = begin(async (run) => {
    await run.step('a', () => 'made', { undo: (made) => run.step('-a', () => void undone.push(['a', made])) });
    await run.step('b', outOfPaper, { undo: (made) => run.step('-b', () => void undone.push(['b', made])) });
    return 'done';
  });
  const operation = await process.client.hire({ person: 'ada' });
  await blocked();
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject(cancelled);
  expect(undone).toEqual([
    ['b', undefined],
    ['a', 'made'],
  ]);
});

/** Loses the reply of a call with this entry, once it has taken effect, while `lost` is true. */
const losing =
  (lost: { now: boolean }) =>
  (channel: Channel): Channel => ({
    ...channel,
    middleware: [
      async (call, next) => {
        const reply = await next(call);
        if (lost.now) throw new RpcError(Status.INTERNAL, 'the reply is lost');
        return reply;
      },
    ],
  });

async function forgotten() {
  const lost = { now: true };
  const process = begin(
    async (run) => {
      await own(run, 'a');
      const undo = () => run.transaction('-call', (tx) => put(tx, '-call'));
      await run.call('call', account.write, { entry: 'call' }, { undo });
      return 'done';
    },
    { wrap: losing(lost) },
  );
  const operation = await process.client.hire({ person: 'ada' });
  expect(await blocked()).toMatch(/^the reply is lost/);
  await database.query("UPDATE workflow_steps SET begin_time = begin_time - interval '2 hours' WHERE kind = 'call'");
  lost.now = false;
  const operator = operatorOf(process);
  await operator.retryRun({ name: operation.name });
  expect(await blocked()).toMatch(/^call may have called Write 72\d\d s ago, and its outcome may no longer be stored/);
  expect(await effects()).toEqual(['a', 'call']);
  return { process, operation, operator };
}

it('a call past the retention of its callee waits for an operator, whose retry calls again', async () => {
  const { process, operation, operator } = await forgotten();
  await database.query('DELETE FROM call_outcomes'); // their retention has passed
  await operator.retryRun({ name: operation.name });
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'done' });
  expect(await effects()).toEqual(['a', 'call', 'call']);
});

it('a call past the retention of its callee waits for an operator, whose cancel undoes the other steps alone', async () => {
  const { process, operation, operator } = await forgotten();
  await operator.cancelRun({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject(cancelled);
  expect(await effects()).toEqual(['-a', 'a', 'call']);
});

it('a call whose outcome is not known when the run is cancelled is made once more by its key, and undone', async () => {
  const lost = { now: true };
  const process = begin(
    async (run) => {
      const undo = () => run.transaction('-call', (tx) => put(tx, '-call'));
      return (await run.call('call', account.write, { entry: 'call' }, { undo })).entry;
    },
    { wrap: losing(lost) },
  );
  const operation = await process.client.hire({ person: 'ada' });
  await blocked();
  lost.now = false;
  await process.operations.cancelOperation({ name: operation.name });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject(cancelled);
  expect(await effects()).toEqual(['-call', 'call']);
});

it('steps may be called as the records of undos are shown', async () => {
  const process = begin(async (run) => {
    const undo = (name: string) => () => run.transaction(`undo ${name}`, (tx) => put(tx, `-${name}`));
    await run.transaction('a', (tx) => put(tx, 'a'), { undo: undo('a') });
    await run.transaction('b', (tx) => put(tx, 'b'), { undo: () => run.transaction('-b', (tx) => put(tx, '-b')) });
    await run.transaction('undo b', (tx) => put(tx, 'c'));
    throw new RunFailed('nobody wants this');
  });
  const operation = await process.client.hire({ person: 'ada' });
  await expect(waitFor(hire, operation, { channel: process.doors })).rejects.toMatchObject({
    message: 'nobody wants this',
  });
  expect(await effects()).toEqual(['-a', '-b', 'a', 'b', 'c']);
});
