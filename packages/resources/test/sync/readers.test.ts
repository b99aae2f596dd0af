import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventLoopPace } from '@rondo/database';
import { WatchAborted } from '../../src/sync/errors.js';
import type { SyncOptions } from '../../src/sync/sync.js';
import { failureOf, NEVER, openWatch, type Replica, type SyncFixture, startFixture, write } from './fixture.js';

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

it('a small part of a snapshot is a short read', async () => {
  const notedShort = jest.spyOn(eventLoopPace, 'noteShort');
  open();
  const watcher = openWatch(replica, topic);
  await watcher.received();
  expect(notedShort).toHaveBeenCalledTimes(1);
  notedShort.mockRestore();
  await watcher.leave();
});

describe('a reader that stalls', () => {
  it('in a snapshot is ended', async () => {
    const held = heldClock();
    open({ ...BOUNDS, clock: held.clock });
    const stalled = openWatch(replica, topic, { size: 2 });
    await stalled.next();
    held.fire(PART_TIMEOUT_MS);
    expect(await failureOf(stalled)).toMatchObject({
      codeName: 'ABORTED',
      message: expect.stringContaining('nothing was read for 5000 ms: read faster'),
    });
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
    const resumed = openWatch(replica, other, { resumeToken: snapshot.resumeToken });
    expect([await resumed.received(), await resumed.received(), await resumed.received()]).toEqual([
      '1:1',
      '1:2',
      '1:3',
    ]);
    // Changes from the history are held for it, too.
    const behind = openWatch(replica, other, { resumeToken: snapshot.resumeToken });
    await behind.next();
    held.fire(PART_TIMEOUT_MS);
    expect(await failureOf(behind)).toBeInstanceOf(WatchAborted);
  });
});
