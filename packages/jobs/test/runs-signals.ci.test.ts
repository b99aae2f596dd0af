/** Signals to runs: their order, their bound, and the time-outs of waits. */
import { expect, it } from '@jest/globals';
import { Approval } from '@rondo/contracts/rondo/conformance/v1/workflows';
import type { Database, Queries } from '@rondo/database';
import { waitFor } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { days, type Run } from '../src/exports/index.js';
import { eventually } from './fixture.js';
import { eachWithRuns, hire, hiring, type RunProcess } from './runs-fixture.js';

let database: Database;
const { begin, end, asleep } = eachWithRuns((own) => {
  database = own;
});

const sending = ({ jobs }: RunProcess, run: Parameters<RunProcess['jobs']['runs']['signal']>[1]['run']) => {
  const send = (tx: Queries, by: string, name = 'approval') =>
    jobs.runs.signal(tx, { run, name, type: Approval, message: { by } });
  return {
    send,
    commit: async (by: string, name = 'approval') => {
      await database.transaction((tx) => send(tx, by, name));
      jobs.nudge();
    },
  };
};
/** Waits for so many signals, each at most three days. */
const waits = async (run: Run, count: number) => {
  const all: (string | undefined)[] = [];
  for (let at = 1; at <= count; at += 1) {
    const approval = await run.wait(`wait ${at}`, Approval, { for: days(3), signal: 'approval' });
    all.push(approval?.by);
  }
  return all.join();
};
const daysPass = () => database.query("UPDATE workflow_steps SET due_time = now() - interval '1 s'");

it('signals are read in the order of commits, and one that is rolled back is none', async () => {
  // While it sleeps, a signal doesn't change its row of jobs: the row of the run alone puts the two in order.
  const process = begin(async (run) => {
    await run.sleep('long', days(1));
    return await waits(run, 2);
  });
  const operation = await process.client.hire({ person: 'ada' });
  await asleep();
  const { send, commit } = sending(process, operation.name);
  let isSecondSent = false;
  let second: Promise<void> | undefined;
  await expect(
    database.transaction(async (tx) => {
      await send(tx, 'nobody');
      throw new Error('rolled back');
    }),
  ).rejects.toThrow('rolled back');
  await database.transaction(async (tx) => {
    await send(tx, 'first');
    second = commit('second').then(() => {
      isSecondSent = true;
    });
    await eventually(async () => {
      const waiting = await database.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
      expect(isSecondSent || waiting.length > 0).toBe(true);
    });
    expect(isSecondSent).toBe(false); // it commits after this one
  });
  await second;
  await daysPass();
  await database.query('UPDATE jobs SET due_time = now()');
  process.jobs.nudge();
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'first,second' });
});

it('a run that its own service has enqueued gets signals by its key', async () => {
  const workflow = hiring((run) => waits(run, 1));
  const process = begin(async () => '', { workflow });
  const { jobs } = process;
  const operation = await database.transaction((tx) =>
    jobs.runs.enqueue(tx, workflow, { request: { person: 'ada' }, key: 'ada' }),
  );
  await sending(process, { workflow, key: 'ada' }).commit('bo');
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: 'bo' });
  await expect(sending(process, { workflow, key: 'other' }).commit('bo')).rejects.toMatchObject({
    code: Status.NOT_FOUND,
  });
});

it('100 signals wait for a run, and one more is refused until it has read one', async () => {
  const process = begin(async (run) => {
    await run.wait('go', Approval);
    return await waits(run, 1 + 100);
  });
  const operation = await process.client.hire({ person: 'ada' });
  await asleep();
  const { send, commit } = sending(process, operation.name);
  await database.transaction(async (tx) => {
    for (let at = 1; at <= 100; at += 1) await send(tx, String(at));
  });
  await expect(commit('101')).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  await expect(commit('go', 'go')).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  await database.query(
    "UPDATE workflow_signals SET name = 'go' WHERE place = (SELECT min(place) FROM workflow_signals)",
  );
  await database.query('UPDATE jobs SET due_time = now()');
  process.jobs.nudge();
  await eventually(() => commit('101'));
  await eventually(() => commit('102'));
  const read = Array.from({ length: 101 }, (_, index) => index + 2).join();
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text: read });
});

it.each<[string, (commit: () => Promise<void>) => Promise<void>, string]>([
  [
    'a signal that came before the run looks ends a wait whose time has passed',
    async (commit) => {
      await daysPass();
      await commit();
    },
    'bo,',
  ],
  [
    'a signal that comes after the time-out is for the next wait',
    async (commit) => {
      await daysPass();
      await database.query('UPDATE jobs SET due_time = now()');
      await eventually(async () =>
        expect(
          await database.query("SELECT FROM workflow_steps WHERE name = 'wait 1' AND end_time IS NOT NULL"),
        ).toHaveLength(1),
      );
      await asleep();
      await commit();
    },
    ',bo',
  ],
])('%s', async (_rule, happen, text) => {
  const process = begin((run) => waits(run, 2));
  const operation = await process.client.hire({ person: 'ada' });
  await asleep();
  await happen(() => sending(process, operation.name).commit('bo'));
  if (text === 'bo,') {
    await asleep();
    await daysPass();
    await database.query('UPDATE jobs SET due_time = now()');
  }
  expect(await waitFor(hire, operation, { channel: process.doors })).toEqual({ text });
  expect(await database.query('SELECT FROM workflow_signals')).toEqual([]);
});

it('a signal that a run does not wait for leaves it asleep, and stays for the replica that goes on', async () => {
  const first = begin(async (run) => {
    await run.sleep('long', days(1));
    return await waits(run, 1);
  });
  const operation = await first.client.hire({ person: 'ada' });
  await asleep();
  await sending(first, operation.name).commit('bo');
  await asleep();
  await end();
  const second = begin(async (run) => {
    await run.sleep('long', days(1));
    return await waits(run, 1);
  });
  await daysPass();
  await database.query('UPDATE jobs SET due_time = now()');
  second.jobs.nudge();
  expect(await waitFor(hire, operation, { channel: second.doors })).toEqual({ text: 'bo' });
});
