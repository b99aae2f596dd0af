/** A workflow of ten steps over three services with its test, as the team of a service writes them: with `Hire`'s contract, at most 60 lines. */
import { expect, it } from '@jest/globals';
import * as contracts from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createTestChannel, ManualClock, standIn } from '@rondo/rpc/testing';
import { days, RunFailed, workflow } from '../src/exports/index.js';
import { testRun } from '../src/exports/testing.js';

const { AccountServiceDefinition: account, DeskServiceDefinition: desk, HiringServiceDefinition: hiring } = contracts;

const hire = workflow(hiring.methods.hire, async ({ person }, run) => {
  const write = (step: string, entry: string) => run.call(step, account.methods.write, { entry });
  await run.call('account', account.methods.write, { entry: person }, { undo: () => write('close', `-${person}`) });
  const { entry: place } = await run.call('desk', desk.methods.write, { entry: `${person}'s desk` });
  const badge = await run.step('badge', () => ({ number: 7 }));
  await run.call('door', desk.methods.write, { entry: `badge ${badge.number} opens ${place}` });
  await run.sleep('trial', days(2));
  const approval = await run.wait('approval', contracts.Approval, { for: days(3) });
  if (approval === undefined) throw new RunFailed(`${person} is not hired`);
  await Promise.all([write('title', `${person}, hired`), write('office', `${person} in the office`)]);
  await write('raise', `${person}'s raise`);
  await run.call('mail', account.methods.writeAgain, { entry: 'welcome' }, { atLeastOnce: true });
  return { text: `${person} is hired by ${approval.by}` };
});

it('hires a person who is approved, also if the process crashes meanwhile', async () => {
  const entries: string[] = [];
  const write = ({ entry }: contracts.WriteRequest) => ({ entry: entries[entries.push(entry) - 1] ?? '' });
  const services = [standIn(account, { write, writeAgain: write }), standIn(desk, { write })];
  const clock = new ManualClock();
  const run = testRun(hire, { person: 'ada' }, { clock, channel: createTestChannel({ services }) });
  await run.idle();
  run.crash();
  await run.idle();
  await clock.advance(days(2));
  run.signal('approval', contracts.Approval, { by: 'bo' });
  expect([await run.outcome, entries.length]).toEqual([{ text: 'ada is hired by bo' }, 7]);
});
