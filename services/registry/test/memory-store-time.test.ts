import { afterEach, describe, expect, it } from '@jest/globals';
import type { Timer } from '@rondo/rpc/clock';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import { MemoryStore } from '../src/adapters/memory-store/memory-store.js';
import type { Lease } from '../src/domain/lease.js';
import { createFixture, listed, recordingLog, registration, TTL_MS } from './store/fixture.js';

/** A clock of a process that can be stopped: meanwhile time passes, and timers run when it goes on. */
class StoppableClock extends ManualClock {
  #late: Set<() => void> | undefined;

  override setTimer(delayMs: number, callback: () => void): Timer {
    const run = () => {
      if (this.#late === undefined) callback();
      else this.#late.add(run);
    };
    const timer = super.setTimer(delayMs, run);
    return {
      cancel: () => {
        timer.cancel();
        this.#late?.delete(run);
      },
    };
  }

  async stopFor(ms: number): Promise<void> {
    const late = new Set<() => void>();
    this.#late = late;
    await this.advance(ms);
    this.#late = undefined;
    for (const run of late) run();
  }
}

const fixture = createFixture(async (setup) => new MemoryStore(setup));
afterEach(() => fixture.end());

const GRACE_MS = (2 * TTL_MS) / 3 + 1000;

async function start(count: number, ttlMs = TTL_MS) {
  const clock = new StoppableClock();
  const { log, lines } = recordingLog();
  const { store } = await fixture.start({ clock, log });
  const leases: Lease[] = [];
  for (let index = 0; index < count; index += 1) {
    const instanceId = `i-${index}`;
    leases.push({ instanceId, leaseId: (await store.register(registration({ instanceId }), ttlMs)).leaseId });
  }
  const renew = () => Promise.all(leases.map((lease) => store.renew(lease)));
  return { store, clock, leases, lines, renew };
}

describe('a memory store whose process was stopped', () => {
  it.each([1, 3, 20])('expires none of %i that renew within two thirds of a TTL after it goes on', async (count) => {
    const { store, clock, lines, renew } = await start(count);
    await clock.stopFor(60_000);
    expect(await listed(store)).toHaveLength(count);
    await clock.advance(GRACE_MS - 1);
    await renew();
    await clock.advance(TTL_MS - 1);
    expect(await listed(store)).toHaveLength(count);
    expect(lines.filter((line) => line.includes('away'))).toEqual([
      expect.stringMatching(/^warn: the registry was away/),
    ]);
  });

  it('lets those go that do not', async () => {
    const { store, clock, leases } = await start(3);
    await clock.stopFor(60_000);
    const [lease] = leases;
    if (lease !== undefined) await store.renew(lease);
    await clock.advance(GRACE_MS + 1);
    expect((await listed(store)).map(({ instanceId }) => instanceId)).toEqual(['i-0']);
  });

  it('gives time also to those that had some left: they were renewed in vain', async () => {
    const { store, clock, renew } = await start(3);
    await clock.advance(TTL_MS / 3);
    await clock.stopFor(5000);
    await clock.advance(GRACE_MS - 1);
    expect(await listed(store)).toHaveLength(3);
    await renew();
    await clock.advance(TTL_MS - 1);
    expect(await listed(store)).toHaveLength(3);
  });

  it('shortens no lease', async () => {
    const { store, clock } = await start(1, 60_000);
    await clock.stopFor(3000);
    await clock.advance(56_999);
    expect(await listed(store)).toHaveLength(1);
    await clock.advance(1);
    expect(await listed(store)).toEqual([]);
  });

  it('keeps those on that it held back, for their renewals to come', async () => {
    const { store, clock, renew } = await start(4);
    await clock.advance(2 * TTL_MS);
    expect(store.counts.heldExpiries).toBe(4);
    await clock.stopFor(60_000);
    await clock.advance(GRACE_MS - 1);
    expect(store.counts).toMatchObject({ instances: 4, heldExpiries: 4 });
    await renew();
    expect(store.counts).toMatchObject({ instances: 4, heldExpiries: 0 });
  });

  it.each([1, 4])('keeps nobody for ever, however often it is stopped: %i of them', async (count) => {
    const { store, clock } = await start(count);
    for (let stop = 0; stop < 20; stop += 1) await clock.stopFor(GRACE_MS);
    expect(await listed(store)).toEqual([]);
  });

  it('gives time again and again to those that use it', async () => {
    const { store, clock, renew } = await start(3);
    for (let stop = 0; stop < 10; stop += 1) {
      await clock.stopFor(60_000);
      await renew();
    }
    expect(await listed(store)).toHaveLength(3);
    await clock.stopFor(60_000);
    await clock.advance(GRACE_MS - 1);
    expect(await listed(store)).toHaveLength(3);
  });

  it('is not taken in by a timer that is a little late', async () => {
    const { store, clock, lines } = await start(1);
    await clock.advance(TTL_MS - 500);
    await clock.stopFor(1400);
    expect(await listed(store)).toEqual([]);
    expect(lines).not.toContainEqual(expect.stringMatching('away'));
  });
});

describe('a memory store whose callers are cut off from it', () => {
  it.each([4, 20, 300])('lets none of %i expire, though each lapses at a time of its own', async (count) => {
    const random = seededRandom(5);
    const { store, clock, leases } = await start(count);
    // Each renews once more in the third of a TTL before the network goes: so they lapse over a third as well.
    const lastRenewals = leases.map(() => (random.next() * TTL_MS) / 3).sort((one, other) => one - other);
    const startMs = clock.now();
    for (const [index, lease] of leases.entries()) {
      await clock.advance(startMs + (lastRenewals[index] ?? 0) - clock.now());
      await store.renew(lease);
    }
    await clock.advance(3 * TTL_MS);
    expect(store.counts).toMatchObject({ instances: count, heldExpiries: count });
  });
});
