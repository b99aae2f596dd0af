import { describe, expect, it } from '@jest/globals';
import { Group } from '@rondo/contracts/rondo/events/v1/events';
import { JobMethod } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { Run, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { judgeAnswer, judgeClock, judgeListed, judgeMethods } from './running.js';

const NOW_MS = Date.UTC(2027, 0, 2);

describe('judgeAnswer', () => {
  const group = 'sales.v1.OrderPlaced:deliveries';
  const event = { id: 17n, group, key: 'orders/7', attempts: 0, publishTime: undefined, error: 'UNAVAILABLE: full' };
  const described = {
    groups: [Group.fromPartial({ name: group, method: 's.v1.S/M' })],
    refused: [{ ...event, refusals: 369 }],
  };

  it('names the key that an event blocks which its group refuses again and again', () => {
    const text = `${group} refused event 17 369 times (UNAVAILABLE: full), and others of its key orders/7 wait`;
    expect(judgeAnswer(described, new Set(['s.v1.S']))).toMatchObject([{ state: 'warn', detail: text }]);
    expect(judgeAnswer({ ...described, refused: [{ ...event, refusals: 3 }] }, new Set(['s.v1.S']))).toEqual([]);
  });

  it('names a group that no instance serves, and not what it refused', () => {
    const text = `no instance takes the events of ${group} (s.v1.S/M)`;
    expect(judgeAnswer(described, new Set())).toMatchObject([{ state: 'warn', detail: text }]);
  });
});

it('names a schedule whose times are skipped, as an earlier job has not ended', () => {
  const schedule = { cron: '* * * * *', overlapTime: new Date(NOW_MS) };
  const methods = [
    { method: 's.v1.S/Slow', schedule },
    { method: 's.v1.S/Fast', schedule: { cron: '* * * * *' } },
  ];
  const outcomes = judgeMethods({ methods: methods.map((method) => JobMethod.fromPartial(method)) });
  const detail = `s.v1.S/Slow isn't called at its times since 2027-01-02T00:00:00.000Z: a job of an earlier one hasn't ended`;
  expect(outcomes).toMatchObject([{ state: 'warn', detail }]);
});

it('names the workflows whose runs are blocked, parked or fail again and again, with the reason of one', () => {
  const { RUN_STATE_BLOCKED, RUN_STATE_PARKED, RUN_STATE_RUNNING, RUN_STATE_WAITING, RUN_STATE_FAILED } = RunState;
  const [ship, bill] = ['s.v1.S/Ship', 's.v1.S/Bill'];
  const runs = [
    { name: 'operations/s.v1.S/1', method: ship, state: RUN_STATE_BLOCKED, attempts: 12, error: 'no stock' },
    { name: 'operations/s.v1.S/2', method: ship, state: RUN_STATE_BLOCKED, attempts: 12, error: 'no paper' },
    { name: 'operations/s.v1.S/3', method: ship, state: RUN_STATE_WAITING, attempts: 5, error: 'name is\u001b empty' },
    { name: 'operations/s.v1.S/4', method: bill, state: RUN_STATE_PARKED, attempts: 0, error: 'another version' },
    { name: 'operations/s.v1.S/5', method: bill, state: RUN_STATE_WAITING, attempts: 2, error: 'busy' },
    { name: 'operations/s.v1.S/6', method: bill, state: RUN_STATE_RUNNING, attempts: 3, error: '' },
    { name: 'operations/s.v1.S/7', method: bill, state: RUN_STATE_FAILED, attempts: 3, error: 'declined' },
  ];
  const found = judgeListed(runs.map((run) => Run.fromPartial(run)));
  expect(found.map(({ state, detail }) => [state, detail])).toEqual([
    ['fail', `${ship}: 2 runs wait for an operator, such as operations/s.v1.S/1: no stock`],
    ['warn', `${ship}: a step of 1 run fails again and again, such as operations/s.v1.S/3: name is\\u001b empty`],
    ['warn', `${bill}: 1 run fits no version that runs, such as operations/s.v1.S/4: another version`],
  ]);
  expect(found.map(({ remedy }) => remedy)).toEqual([
    expect.stringContaining('rondo runs retry operations/s.v1.S/1'),
    expect.stringContaining('rondo runs show operations/s.v1.S/3'),
    expect.stringContaining('rondo runs cancel operations/s.v1.S/4'),
  ]);
});

describe('judgeClock', () => {
  it.each([0, Date.UTC(2019, 5), Date.UTC(2107, 1)])('reports an impossible year (%d)', (nowMs) => {
    const reading = { askedAtMs: nowMs, answeredAtMs: nowMs, registryMs: nowMs };
    expect(judgeClock(nowMs, reading)).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining("can't be right"),
    });
  });

  it.each([
    [0, 10, 'ok: within 5 ms'],
    [1_500, 0, 'ok: within 1.5 s'],
    [-3_000, 0, 'warn: 3.0 s behind'],
    [3_000, 0, 'warn: 3.0 s ahead'],
    // It may have been read at any time between question and answer.
    [3_000, 4_000, 'ok: within 5.0 s'],
  ])('%d ms off, asked for %d ms: %s', (skewMs, tookMs, expected) => {
    const [state, text = ''] = expected.split(': ');
    const reading = { askedAtMs: NOW_MS, answeredAtMs: NOW_MS + tookMs, registryMs: NOW_MS + tookMs / 2 + skewMs };
    expect(judgeClock(NOW_MS, reading)).toMatchObject({ state, detail: expect.stringContaining(text) });
  });

  it('compares with no other clock if the registry returns no time', () => {
    const reading = { askedAtMs: NOW_MS, answeredAtMs: NOW_MS, registryMs: undefined };
    for (const described of [reading, undefined]) {
      expect(judgeClock(NOW_MS, described)).toMatchObject({ state: 'ok', detail: expect.stringContaining('no other') });
    }
  });
});
