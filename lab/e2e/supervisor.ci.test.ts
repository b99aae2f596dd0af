import { beforeEach, describe, expect, it } from '@jest/globals';
import { createSupervisor } from '../../packages/rondo/src/launch/supervisor.js';

/** A clock that the test advances. */
function manualClock() {
  let nowMs = 0;
  const timers = new Map<object, { readonly dueMs: number; readonly work: () => void }>();
  return {
    now: () => nowMs,
    setTimer(delayMs: number, work: () => void) {
      const key = {};
      timers.set(key, { dueMs: nowMs + delayMs, work });
      return { cancel: () => void timers.delete(key) };
    },
    pending: () => [...timers.values()].map(({ dueMs }) => dueMs - nowMs),
    async advance(byMs: number) {
      nowMs += byMs;
      for (const [key, { dueMs, work }] of timers) {
        if (dueMs > nowMs) continue;
        timers.delete(key);
        work();
      }
      await new Promise((resolve) => setImmediate(resolve)); // what the work has begun is reported
    },
  };
}

const hint = (name: string) => ({ logs: `logs ${name}`, restart: `restart ${name}` });

let clock: ReturnType<typeof manualClock>;
let lines: string[];
let begun: number;

beforeEach(() => {
  clock = manualClock();
  lines = [];
  begun = 0;
});

const create = (restarts = true) =>
  createSupervisor({ restarts, tell: (line: string) => void lines.push(line), hint, clock });

const begin = async () => {
  begun += 1;
  return true;
};

describe('a process that has ended by itself', () => {
  it('is restarted after half a second, and reported when it ends and when it runs again', async () => {
    const supervisor = create();
    supervisor.ended('a-1', 'SIGKILL', begin);
    expect(lines).toEqual(['a-1 has ended (SIGKILL): it is restarted in 0.5 s. Its log: logs a-1']);
    expect(supervisor.stateOf('a-1')).toEqual({
      state: 'backoff',
      exits: 1,
      lastExit: 'SIGKILL',
      restartInMs: 500,
    });
    await clock.advance(499);
    expect(begun).toBe(0);
    await clock.advance(1);
    expect([begun, lines.at(-1)]).toEqual([1, 'a-1 runs again']);
    expect(supervisor.stateOf('a-1')).toEqual({ state: 'running', exits: 1, lastExit: 'SIGKILL' });
  });

  it('waits twice as long after each exit, and stays down after the fifth within a minute', async () => {
    const supervisor = create();
    const waits: (number | undefined)[] = [];
    for (let exit = 1; exit <= 5; exit += 1) {
      supervisor.ended('a-1', 'exit code 3', begin);
      waits.push(...clock.pending());
      await clock.advance(4_000);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    expect(begun).toBe(4);
    expect(lines.at(-1)).toBe(
      'a-1 has ended (exit code 3), 5 times within a minute: it stays down. Its log: logs a-1\n' +
        '  Once the cause is fixed: restart a-1',
    );
    expect(supervisor.stateOf('a-1')).toMatchObject({ state: 'failed', exits: 5 });
    await clock.advance(3_600_000);
    expect(begun).toBe(4);
  });

  it('is restarted for ever if it ends more rarely: exits older than a minute do not count', async () => {
    const supervisor = create();
    for (let exit = 1; exit <= 20; exit += 1) {
      supervisor.ended('a-1', 'SIGSEGV', begin);
      expect(Math.max(...clock.pending())).toBeLessThanOrEqual(4_000);
      await clock.advance(15_000);
    }
    expect(begun).toBe(20);
  });

  it('has its own count of exits', async () => {
    const supervisor = create();
    for (const name of ['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'a-6']) supervisor.ended(name, 'SIGKILL', begin);
    expect(clock.pending()).toEqual(Array(6).fill(500));
  });

  it('that cannot be started again counts as one more exit', async () => {
    const supervisor = create();
    supervisor.ended('postgres', 'SIGKILL', () => Promise.reject(new Error('port 9 is in use')));
    for (let tries = 0; tries < 10; tries += 1) await clock.advance(4_000);
    expect(lines).toHaveLength(5);
    expect(lines.at(-1)).toMatch(/^postgres has ended \(port 9 is in use\), 5 times within a minute/);
  });

  it('that ends while it starts is not reported as running', async () => {
    const supervisor = create();
    let cameUp = (_isReady: boolean) => {};
    supervisor.ended('a-1', 'SIGKILL', () => new Promise((resolve) => (cameUp = resolve)));
    await clock.advance(500);
    supervisor.ended('a-1', 'exit code 1', begin);
    cameUp(true);
    await clock.advance(0);
    expect(supervisor.stateOf('a-1')).toMatchObject({ state: 'backoff', exits: 2 });
    expect(lines.filter((line) => line.includes('runs again'))).toEqual([]);
  });

  it('stays down if nothing is restarted', async () => {
    const supervisor = create(false);
    supervisor.ended('a-1', 'SIGKILL', begin);
    await clock.advance(3_600_000);
    expect([begun, clock.pending()]).toEqual([0, []]);
    expect(lines).toEqual(['a-1 has ended (SIGKILL) and stays down, as --no-restart says. Its log: logs a-1']);
    expect(supervisor.stateOf('a-1')).toMatchObject({ state: 'ended' });
  });
});

describe('a process that is stopped or started on request', () => {
  it('has its restart cancelled, and its count cleared', async () => {
    const supervisor = create();
    for (let exit = 1; exit <= 4; exit += 1) supervisor.ended('a-1', 'SIGKILL', begin);
    supervisor.forget('a-1');
    await clock.advance(10_000);
    expect([supervisor.stateOf('a-1'), begun, clock.pending()]).toEqual([undefined, 0, []]);
    supervisor.ended('a-1', 'SIGKILL', begin);
    expect(clock.pending().at(-1)).toBe(500);
  });
});

describe('a system that stops', () => {
  it('restarts neither processes that are due nor processes that end then', async () => {
    const supervisor = create();
    supervisor.ended('a-1', 'SIGKILL', begin);
    supervisor.close();
    supervisor.ended('a-2', 'SIGKILL', begin);
    expect(clock.pending()).toEqual([]);
    await clock.advance(60_000);
    expect([begun, lines.length]).toEqual([0, 1]);
  });
});
