import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventLoopPace } from '@rondo/database';
import { eventually } from '@rondo/database/testing';
import { type SyncOptions, WatchAborted } from '../src/exports/index.js';
import {
  failureOf,
  inShort,
  NEVER,
  openWatch,
  type Replica,
  type SyncFixture,
  startFixture,
  write,
} from './fixture.js';

const PART_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 60_000;
const BOUNDS = { partTimeoutMs: PART_TIMEOUT_MS, readTimeoutMs: READ_TIMEOUT_MS };

let fixture: SyncFixture;
let topic: string;
let other: string;
let replica: Replica;

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.stop());

beforeEach(async () => {
  const pair = fixture.openPair();
  topic = pair.topic;
  other = `${topic}-other`;
  await write(pair.one, topic, ...Array.from({ length: 40 }, (_, id) => id));
  await Promise.all([pair.one.close(), pair.two.close()]);
});
afterEach(() => replica.close());

/** A clock whose timers fire when the test says so. */
function heldClock() {
  const timers = new Set<{ readonly delayMs: number; readonly callback: () => void }>();
  return {
    timers,
    clock: {
      now: () => performance.now(),
      setTimer(delayMs: number, callback: () => void) {
        const timer = { delayMs, callback };
        timers.add(timer);
        return { cancel: () => void timers.delete(timer) };
      },
    },
    /** Fires all timers with this delay. */
    fire(delayMs: number): void {
      for (const timer of [...timers].filter((one) => one.delayMs === delayMs)) {
        timers.delete(timer);
        timer.callback();
      }
    },
    waiting: (delayMs: number) => [...timers].filter((one) => one.delayMs === delayMs).length,
  };
}

const open = (options: Partial<SyncOptions> = {}): Replica => {
  replica = fixture.openReplica({ ...NEVER, ...options });
  return replica;
};

/** Number of connections that a transaction holds between its statements. */
async function heldConnections(): Promise<number> {
  const sql = "SELECT count(*)::int AS kept FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
  return (await fixture.admin.one<{ kept: number }>(sql)).kept;
}

/** All parts of a snapshot in short form. */
async function whole(watcher: ReturnType<typeof openWatch>): Promise<readonly string[]> {
  const parts: string[] = [];
  for (;;) {
    const event = await watcher.next();
    parts.push(inShort(event));
    if (event.kind === 'snapshot' && event.last) return parts;
  }
}

describe('slow readers', () => {
  it('hold no connection and no permit for a snapshot that fits into memory', async () => {
    open({ maxSnapshots: 1, maxLargeSnapshots: 1 });
    const slow = Array.from({ length: 8 }, () => openWatch(replica, topic, { size: 10 }));
    for (const one of slow) expect(await one.received()).toMatch(/^snapshot 0:1 .* …$/);
    expect(await heldConnections()).toBe(0);
    expect(await openWatch(replica, other).received()).toBe('snapshot');
    await write(replica, topic, 3);
    for (const one of slow) expect((await whole(one)).join(' ')).toContain(' 39:1');
    for (const one of slow) expect(await one.received()).toBe('3:2');
  });

  it('hold permits and a bounded number of connections only for large snapshots', async () => {
    open({ maxSnapshots: 1, maxLargeSnapshots: 2 });
    const slow = Array.from({ length: 8 }, () => openWatch(replica, topic, { size: 2 }));
    const first = slow.map((one) => one.next());
    await Promise.all(first.slice(0, 2));
    await eventually('the others wait and hold no connection', async () => (await heldConnections()) === 2);
    expect(await openWatch(replica, other).received()).toBe('snapshot');
    expect(await openWatch(replica, topic).received()).toMatch(/^snapshot 0:1 .* 39:1$/);
    await Promise.all(slow.slice(0, 2).map(whole));
    for (const [index, one] of slow.entries()) {
      await first[index];
      await one.events.return();
    }
  });

  it('hold a bounded number of parts together; further snapshots are streamed', async () => {
    open({ maxSnapshots: 4, maxLargeSnapshots: 1, heldParts: 10 });
    const slow = openWatch(replica, topic, { size: 5 });
    await slow.next();
    const second = openWatch(replica, topic, { size: 5 });
    await second.next();
    expect(await heldConnections()).toBe(1);
    await whole(slow);
    const third = openWatch(replica, topic, { size: 5 });
    await third.next();
    expect(await heldConnections()).toBe(1);
    expect(await openWatch(replica, topic).received()).toMatch(/^snapshot 0:1 .* 39:1$/);
    expect((await whole(second)).at(-1)).toBe('snapshot');
  });
});

describe('a small snapshot', () => {
  it.each([
    ['that is whole', { size: 40 }, 1],
    ['that is read in parts', { size: 40, keyed: true }, 1],
    ['but not one that is too large for memory', { size: 1 }, 0],
  ])('%s is a short read', async (_name, options, times) => {
    const notedShort = jest.spyOn(eventLoopPace, 'noteShort');
    open({ snapshotParts: 9 });
    const watcher = openWatch(replica, topic, options);
    await watcher.received();
    expect(notedShort).toHaveBeenCalledTimes(times);
    notedShort.mockRestore();
    await watcher.leave();
  });
});

describe('a reader that stalls', () => {
  it.each([
    ['a large snapshot', 2],
    ['a snapshot in memory', 10],
  ])('in %s is ended, and its resources are free at once', async (_what, size) => {
    const held = heldClock();
    const events: unknown[] = [];
    open({ ...BOUNDS, clock: held.clock, maxLargeSnapshots: 1, heldParts: 4, onEvent: (event) => events.push(event) });
    const stalled = openWatch(replica, topic, { size });
    await stalled.next();
    const waiting = openWatch(replica, topic, { size });
    const others = size === 2 ? waiting.next() : undefined;
    held.fire(PART_TIMEOUT_MS);
    if (others === undefined) await waiting.next();
    else await others;
    expect(await failureOf(stalled)).toMatchObject({
      codeName: 'ABORTED',
      message: expect.stringContaining('nothing was read for 5000 ms: read faster'),
    });
    await waiting.events.return();
    await eventually('no connection is held', async () => (await heldConnections()) === 0);
    expect(events).toContainEqual({ kind: 'watchers', open: 0 });
    expect(held.waiting(PART_TIMEOUT_MS) + held.waiting(READ_TIMEOUT_MS)).toBe(0);
  });

  it('in changes is ended later, and misses nothing when it resumes', async () => {
    const held = heldClock();
    open({ ...BOUNDS, clock: held.clock });
    const writeNow = async (id: number) => {
      await write(replica, other, id);
      await replica.sync.settled();
    };
    const stalled = openWatch(replica, other);
    const snapshot = await stalled.next();
    held.fire(PART_TIMEOUT_MS);
    await writeNow(1);
    expect(await stalled.received()).toBe('1:1'); // from the next event on it reads the feed
    await writeNow(1);
    expect(await stalled.received()).toBe('1:2');
    held.fire(PART_TIMEOUT_MS);
    await writeNow(1);
    expect(await stalled.received()).toBe('1:3');
    held.fire(READ_TIMEOUT_MS);
    expect(await failureOf(stalled)).toBeInstanceOf(WatchAborted);
    const resumed = openWatch(replica, other, { resumeToken: snapshot.resumeToken ?? '' });
    expect([await resumed.received(), await resumed.received(), await resumed.received()]).toEqual([
      '1:1',
      '1:2',
      '1:3',
    ]);
    // Changes from the history are held for it, too.
    const behind = openWatch(replica, other, { resumeToken: snapshot.resumeToken ?? '' });
    await behind.next();
    held.fire(PART_TIMEOUT_MS);
    expect(await failureOf(behind)).toBeInstanceOf(WatchAborted);
  });
});
