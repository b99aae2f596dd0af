/** The test kit: a run of days in milliseconds, with a signal and a crash, without a server. */
import { expect, it } from '@jest/globals';
import { AccountServiceDefinition, Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock, standIn } from '@rondo/rpc/testing';
import { days, RunFailed } from '../src/exports/index.js';
import { testRun } from '../src/exports/testing.js';
import { account, hiring } from './runs-fixture.js';

const entries: string[] = [];
const channel = createTestChannel({
  services: [
    standIn(AccountServiceDefinition, {
      write({ entry }) {
        entries.push(entry);
        return { entry };
      },
    }),
  ],
});

it('a run of three days with a signal and a crash ends in milliseconds, and calls once', async () => {
  entries.length = 0;
  const clock = new ManualClock();
  const workflow = hiring(async (run, person) => {
    const made = await run.call('account', account.write, { entry: person });
    await run.sleep('trial', days(2));
    const approval = await run.wait('approval', Approval, { for: days(5) });
    return `${made.entry} by ${approval?.by}`;
  });
  const run = testRun(workflow, { person: 'ada' }, { clock, channel });
  await run.idle();
  await clock.advance(days(2));
  run.crash();
  await run.idle();
  await clock.advance(days(1));
  run.signal('approval', Approval, { by: 'bo' });
  expect(await run.outcome).toEqual({ text: 'ada by bo' });
  expect(run.steps()).toEqual(['account', 'trial', 'approval']);
  expect(entries).toEqual(['ada']);
});

it('a wait that is not answered ends by its time, and a failure undoes', async () => {
  entries.length = 0;
  const clock = new ManualClock();
  const workflow = hiring(async (run) => {
    await run.call(
      'account',
      account.write,
      { entry: 'a' },
      { undo: () => run.call('close', account.write, { entry: '-a' }) },
    );
    if ((await run.wait('approval', Approval, { for: days(3) })) === undefined) throw new RunFailed('no answer');
    return 'hired';
  });
  const run = testRun(workflow, { person: 'ada' }, { clock, channel });
  await run.idle();
  await clock.advance(days(3));
  await expect(run.outcome).rejects.toMatchObject({ code: Status.FAILED_PRECONDITION, message: 'no answer' });
  expect(entries).toEqual(['a', '-a']);
});

it('a step that fails while the clock stands still ends the test with the step, its callee and the reason', async () => {
  const refusing = standIn(AccountServiceDefinition, {
    write() {
      throw new RpcError(Status.INVALID_ARGUMENT, 'entry: is empty');
    },
  });
  const workflow = hiring(async (run) => (await run.call('account', account.write, { entry: '' })).entry);
  const options = { clock: new ManualClock(), channel: createTestChannel({ services: [refusing] }) };
  await expect(testRun(workflow, { person: 'ada' }, options).outcome).rejects.toThrow(
    /^step account, a call of rondo.conformance.v1.AccountService\/Write, failed: INVALID_ARGUMENT: entry: is empty; .*clock advances/,
  );
});
