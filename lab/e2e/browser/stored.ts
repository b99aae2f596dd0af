/** Stored work in the console: jobs, the runs of workflows, events. */
import { expect, it } from '@jest/globals';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import {
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { standIn } from '@rondo/rpc/testing';
import type { Page } from 'playwright-core';
import { axe, expectText, openForEach, type Running, SHOWN, startInstance, TEXT } from './running.js';

/** Tests what the console shows of stored work, and what an operator does to it. */
export function testStored(at: () => Running): void {
  let running: Running;
  let page: Page;

  openForEach(at, (opened, tab) => {
    running = opened;
    page = tab;
  });

  const show = (place: string) => page.goto(`${running.origin}/console#/${place}`);

  it('shows jobs and schedules, and tries one again or discards it', async () => {
    const method = 'evil.v1.Service/Remind';
    const job = {
      method,
      state: 3,
      createTime: new Date(),
      dueTime: new Date(),
      attempts: 4,
      error: TEXT,
      progress: '',
    };
    const all = [
      { ...job, id: 17n, key: TEXT },
      { ...job, id: 18n, key: 'quotes/8' },
    ];
    const schedule = { cron: '0 9 * * *', timeZone: 'Europe/Berlin', nextTime: new Date(), skipped: 3n };
    const resolved: string[] = [];
    const resolve = (how: string) => (request: { readonly id: bigint }) => {
      resolved.push(`${how} ${request.id}`);
      return all.splice(0, 1)[0] ?? {};
    };
    const handlers = {
      listJobs: () => ({ methods: [{ method, waiting: 0n, running: 0n, failed: 2n, schedule }], jobs: all }),
      retryJob: resolve('retry'),
      discardJob: resolve('discard'),
    };
    const stop = await startInstance(running, [standIn(JobServiceDefinition, handlers)]);
    await show('jobs');
    const row = (text: string) => page.getByRole('row').filter({ hasText: text });
    await row('sales.v1.QuoteService/RemindOwner').waitFor();
    await row('0 9 * * * Europe/Berlin').waitFor();
    await row(`${method} 17`).getByText(SHOWN).first().waitFor();
    expect(await axe(page)).toEqual([]);
    const retry = row(`${method} 17`).getByRole('button', { name: 'Retry' });
    await retry.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await row(`${method} 17`).locator('button:focus').getByText('Retry').waitFor();
    await retry.press('Enter');
    await page.getByRole('button', { name: 'Retry it' }).press('Enter');
    await row(`${method} 17`).waitFor({ state: 'detached' });
    await row(`${method} 18`).getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('button', { name: 'Discard it' }).click();
    await row(`${method} 18`).waitFor({ state: 'detached' });
    expect(resolved).toEqual(['retry 17', 'discard 18']);
    await expectText(page);
    await stop();
  });

  it('shows runs, the steps of one on a time line, and lets it go on or cancels it', async () => {
    const name = 'operations/evil.v1.Service/01J';
    const begun = Date.now() - 60_000;
    const at = (seconds: number) => new Date(begun + seconds * 1_000);
    const run = {
      name,
      method: 'evil.v1.Service/Ship',
      key: TEXT,
      state: 3,
      createTime: at(0),
      attempts: 4,
      error: TEXT,
    };
    const steps = [
      { name: 'reserve', kind: 'call', beginTime: at(0), endTime: at(15) },
      { name: TEXT, kind: 'call', beginTime: at(30), endTime: at(45), error: TEXT },
    ];
    const sleeping = { ...run, name: `${name}2`, state: 2, error: '', dueTime: at(3_600) };
    const asleep = [{ name: 'a day', kind: 'sleep', beginTime: at(0) }];
    const resolved: string[] = [];
    const resolve = (how: string, state: number) => (request: { readonly name: string }) => {
      resolved.push(`${how} ${request.name}`);
      run.state = state;
      return run;
    };
    const handlers = {
      listRuns: () => ({ runs: [sleeping, run] }),
      getRun: ({ name: asked }: { readonly name: string }) =>
        asked === name ? { ...run, steps } : { ...sleeping, steps: asleep },
      retryRun: resolve('retry', 1),
      cancelRun: resolve('cancel', 6),
    };
    const stop = await startInstance(running, [standIn(RunServiceDefinition, handlers)]);
    await show('runs');
    const row = (text: string) => page.getByRole('row').filter({ hasText: text });
    await row('01J').first().getByText('blocked').waitFor();
    expect(await page.locator('tbody tr').first().textContent()).toContain(SHOWN);
    expect(await axe(page)).toEqual([]);
    await page.getByRole('link', { name: '01J2' }).press('Enter');
    await page.getByText(/^sleeps in a day until /).waitFor();
    await page.getByRole('link', { name: 'All runs' }).click();
    await page.getByRole('link', { name: '01J', exact: true }).click();
    await row(SHOWN).first().waitFor();
    // The second step began after half of the run's time, and lasted a quarter of it.
    const bars = await page
      .locator('.waterfall td[data-title="When"] > div')
      .evaluateAll((all) =>
        all.map(({ style }) =>
          [style.marginInlineStart, style.width].map((text) => Math.round(Number.parseFloat(text))),
        ),
      );
    expect(bars[0]?.[0]).toBe(0);
    expect((bars[1]?.[0] ?? 0) / (bars[1]?.[1] ?? 1)).toBeCloseTo(2, 0);
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('button', { name: 'Retry it' }).click();
    await page.getByText('running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByText('cancelled', { exact: true }).waitFor();
    expect(resolved).toEqual([`retry ${name}`, `cancel ${name}`]);
    await expectText(page);
    await stop();
  });

  it('shows groups and the events that they could not take, and resolves, replays and removes', async () => {
    const group = {
      name: 'evil.v1.Done:one',
      method: 'evil.v1.Service/On',
      failed: 2n,
      cut: 3n,
      oldestTime: new Date(),
    };
    const event = { group: group.name, publishTime: new Date(), attempts: 4, error: TEXT };
    const listed = {
      topics: ['evil.v1.Done'],
      groups: [group, { ...group, name: 'evil.v1.Done:two' }],
      events: [
        { ...event, id: 17n, key: TEXT },
        { ...event, id: 18n, key: '8' },
      ],
      refused: [{ ...event, id: 16n, key: '6', refusals: 369 }],
    };
    const resolved: string[] = [];
    const resolve = (how: string) => (request: { readonly id: bigint }) => {
      resolved.push(`${how} ${request.id}`);
      return listed.events.splice(0, 1)[0] ?? {};
    };
    const handlers = {
      listGroups: () => listed,
      retryEvent: resolve('retry'),
      discardEvent: resolve('discard'),
      replayEvents({ group: name, fromTime }: { readonly group: string; readonly fromTime?: Date | undefined }) {
        resolved.push(`replay ${name} ${fromTime?.toISOString()}`);
        return {};
      },
      removeGroup({ group: name }: { readonly group: string }) {
        resolved.push(`remove ${name}`);
        listed.groups = listed.groups.filter((one) => one.name !== name);
        listed.refused = listed.refused.filter((one) => one.group !== name);
        return {};
      },
    };
    const stop = await startInstance(running, [standIn(EventServiceDefinition, handlers)]);
    await show('events');
    const row = (text: string) => page.getByRole('row').filter({ hasText: text });
    const press = (text: string, verb: string) => row(text).getByRole('button', { name: verb }).click();
    await row('sales.v1.OrderPlaced:').waitFor();
    await row('evil.v1.Done:one 17').getByText(SHOWN).first().waitFor();
    await row('evil.v1.Done:one 16').getByText('retried').waitFor();
    expect(await axe(page)).toEqual([]);
    await press('evil.v1.Done:one 17', 'Retry');
    await page.getByRole('button', { name: 'Retry it' }).click();
    await row('evil.v1.Done:one 17').waitFor({ state: 'detached' });
    await press('evil.v1.Done:one 18', 'Discard');
    await page.getByRole('button', { name: 'Discard it' }).click();
    await row('evil.v1.Done:one 18').waitFor({ state: 'detached' });
    await press('evil.v1.Done:one', 'Replay');
    await page.getByLabel('Published from').fill('2026-03-01T09:00:00Z');
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Replay it' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    for (const name of ['evil.v1.Done:two', 'evil.v1.Done:one']) {
      await press(name, 'Remove');
      await page.getByRole('button', { name: 'Remove it' }).click();
      await row(name).first().waitFor({ state: 'detached' });
    }
    const replayed = 'replay evil.v1.Done:one 2026-03-01T09:00:00.000Z';
    expect(resolved).toEqual([
      ...['retry 17', 'discard 18', replayed],
      ...['remove evil.v1.Done:two', 'remove evil.v1.Done:one'],
    ]);
    await expectText(page);
    await stop();
  });

  it('names on the first page what waits for an operator, each a click away', async () => {
    const [since, ref] = [new Date(Date.now() - 60_000), { coordinator: 'evil', id: 'aa-1' }];
    const counts = { waiting: 0n, running: 0n, failed: 2n };
    const participants = [{ service: 'shelf.v1.ShelfService', error: 'it is away' }];
    const undelivered = { kind: 'move', subject: 'b', state: 3, createTime: since, participants };
    const run = { name: 'operations/evil.v1.Service/01J', method: 'evil.v1.Service/Ship', state: 3, createTime: since };
    const services = [
      standIn(JobServiceDefinition, {
        listJobs: () => ({ methods: [{ ...counts, method: 'evil.v1.Service/Remind' }], jobs: [] }),
      }),
      standIn(EventServiceDefinition, { listGroups: () => ({ groups: [{ ...counts, name: 'evil.v1.Done:one' }] }) }),
      standIn(RunServiceDefinition, {
        listRuns: ({ state }) => ({ runs: state === 3 ? [run] : [] }),
        getRun: () => run,
      }),
      standIn(CoordinatorServiceDefinition, {
        listTransactions: () => ({
          transactions: [
            { ref, kind: 'move', subject: 'a', state: 6, createTime: since },
            ...[10, 11, 9].map((attempts) => ({ ...undelivered, attempts, ref: { ...ref, id: `dd-${attempts}` } })),
          ],
        }),
        listSagas: () => ({ sagas: [{ id: 'bb-2', kind: 'ship', subject: TEXT, state: 3, step: 'pack' }] }),
      }),
      standIn(ParticipantServiceDefinition, {
        listInDoubt: () => ({
          participant: 'shelf',
          branches: [{ transaction: { ...ref, id: 'cc-3' }, prepareTime: since }],
        }),
      }),
    ];
    await show('overview');
    await page.getByText('no work waits for an operator').waitFor();
    const stop = await startInstance(running, services);
    for (const [text, place] of [
      ['2 jobs of evil.v1.Service/Remind failed', '#/jobs'],
      ['2 events of evil.v1.Done:one failed', '#/events'],
      ['1 run of evil.v1.Service/Ship is blocked', `#/runs/${run.name}`],
      ['move a is in conflict', '#/transactions'],
      [`ship ${SHOWN} is parked at pack`, '#/transactions'],
      ['move b and 1 more: aborting, waiting for the answer of shelf.v1.ShelfService: it is away', '#/transactions'],
      ['a branch in shelf of cc-3 holds its locks', '#/transactions'],
    ] as const) {
      const link = page.getByRole('link', { name: text });
      await link.waitFor();
      expect(await link.getAttribute('href')).toBe(place);
    }
    expect(await axe(page)).toEqual([]);
    await page.getByRole('link', { name: '1 run of' }).click();
    await page.getByText('blocked', { exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: '1 run of' }).waitFor();
    await stop();
    await page.getByText('no work waits for an operator').waitFor();
    await expectText(page);
  });
}
