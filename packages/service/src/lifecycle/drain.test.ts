import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { deferred } from '../../../rpc/test/support/wait.js';
import { recordingLogger } from '../../test/recording-logger.js';
import { createState, readinessOf } from '../state.js';
import { type DrainOptions, drain } from './drain.js';

const never = () => new Promise<never>(() => undefined);

/** A drain whose parts record when they are reached. A test may replace any part. */
function start(parts: Partial<DrainOptions> & { synced?: (signal: AbortSignal) => Promise<boolean> } = {}) {
  const clock = new ManualClock(0);
  const steps: string[] = [];
  const at = (step: string) => void steps.push(`${clock.now()} ${step}`);
  const readiness = createState(readinessOf([]));
  readiness.subscribe(({ phase }) => at(phase));
  const { log, lines } = recordingLogger();
  const done = drain({
    readiness,
    registration: {
      synced: parts.synced ?? (async () => true),
      close: async () => at('deregistered'),
    },
    server: { drain: async (graceMs) => at(`server drained within ${graceMs}`) },
    listeners: [],
    stopChecks: async () => at('checks stopped'),
    release: async () => at('released'),
    waitMs: 1_000,
    graceMs: 10_000,
    clock,
    log,
    ...parts,
  });
  return { clock, steps, lines, done };
}

describe('drain', () => {
  it('notifies the registry, waits for its watchers, finishes the calls, deregisters, releases resources', async () => {
    const { clock, steps, done } = start();
    await clock.advance(1_000);
    await done;
    expect(steps).toEqual([
      '0 checks stopped',
      '0 draining',
      '1000 server drained within 10000',
      '1000 deregistered',
      '1000 released',
    ]);
    expect(clock.timers).toBe(0);
  });

  it('drains the listeners at the same time as the server, and waits for all of them, even if one fails', async () => {
    const slow = deferred();
    const graces: number[] = [];
    const listeners = [
      { drain: () => Promise.reject(new Error('stuck')) },
      {
        drain: (graceMs: number) => {
          graces.push(graceMs);
          return slow.promise;
        },
      },
    ];
    const { clock, steps, lines, done } = start({ listeners });
    await clock.advance(1_000);
    expect(steps.at(-1)).toBe('1000 server drained within 10000');
    expect(graces).toEqual([10_000]);
    await clock.advance(500);
    slow.resolve();
    await done;
    expect(steps.slice(-2)).toEqual(['1500 deregistered', '1500 released']);
    expect(lines).toContain('warn: draining: ending the calls in flight failed; going on');
  });

  it('waits for the clients of its listeners, which do not ask the registry', async () => {
    const { clock, steps, done } = start({
      synced: async () => false,
      listeners: [{ drain: () => Promise.resolve() }],
    });
    await clock.advance(50);
    expect(steps.at(-1)).toBe('0 draining');
    await clock.advance(950);
    await done;
    expect(steps).toContain('1000 server drained within 10000');
  });

  it.each([
    ['the registry can not be notified', { synced: async () => false }],
    ['the process never registered', { registration: undefined }],
  ])('does not wait for watchers if %s', async (_why, parts) => {
    const { clock, steps, done } = start(parts);
    await clock.advance(50);
    await done;
    expect(steps.at(-1)).toBe('50 released');
  });

  it('is bounded if every step hangs: it gives up each step and takes the next one', async () => {
    const registration = { synced: never, close: never };
    const { clock, lines, done } = start({
      registration,
      server: { drain: never },
      stopChecks: never,
      release: never,
    });
    await clock.advance(2_000 + 50 + 12_000 + 3_000 + 5_000);
    await done;
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: draining: notifying the registry failed; going on',
      'warn: draining: ending the calls in flight failed; going on',
      'warn: draining: deregistering failed; going on',
      'warn: draining: releasing resources failed; going on',
    ]);
    expect(clock.timers).toBe(0);
  });
});
