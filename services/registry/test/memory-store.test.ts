import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import { Catalog } from '../src/adapters/catalog/catalog.js';
import { MemoryStore } from '../src/adapters/memory-store/memory-store.js';
import type { Lease } from '../src/domain/lease.js';
import type { RegistryStore, WatchEvent } from '../src/domain/store.js';
import { toSharedWatchResponse } from '../src/rpc/messages.js';
import { describeStore } from './store/describe-store.js';
import { createFixture, join, listed, recordingLog, registration, TTL_MS } from './store/fixture.js';
import { StoppableClock } from './store/stoppable-clock.js';

describeStore('the memory store', async (setup) => new MemoryStore(setup));

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
  it.each([1, 3, 20])(
    'expires none of %i instances that renew within two thirds of a TTL after it resumes',
    async (count) => {
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
    },
  );

  it('expires instances that do not renew in that time', async () => {
    const { store, clock, leases } = await start(3);
    await clock.stopFor(60_000);
    const [lease] = leases;
    if (lease !== undefined) await store.renew(lease);
    await clock.advance(GRACE_MS + 1);
    expect((await listed(store)).map(({ instanceId }) => instanceId)).toEqual(['i-0']);
  });

  it('also gives time to leases that had not run out: their renewals were lost', async () => {
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

  it('keeps leases that it held back until their renewals can arrive', async () => {
    const { store, clock, renew } = await start(4);
    await clock.advance(2 * TTL_MS);
    expect(store.counts.heldExpiries).toBe(4);
    await clock.stopFor(60_000);
    await clock.advance(GRACE_MS - 1);
    expect(store.counts).toMatchObject({ instances: 4, heldExpiries: 4 });
    await renew();
    expect(store.counts).toMatchObject({ instances: 4, heldExpiries: 0 });
  });

  it.each([1, 4])('keeps no instance for ever, however often it is suspended: %i instances', async (count) => {
    const { store, clock } = await start(count);
    for (let stop = 0; stop < 20; stop += 1) await clock.stopFor(GRACE_MS);
    expect(await listed(store)).toEqual([]);
  });

  it('gives time again and again to instances that use it', async () => {
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

  it('ignores a timer that is a little late', async () => {
    const { store, clock, lines } = await start(1);
    await clock.advance(TTL_MS - 500);
    await clock.stopFor(1400);
    expect(await listed(store)).toEqual([]);
    expect(lines).not.toContainEqual(expect.stringMatching('away'));
  });
});

describe('a memory store whose callers are all cut off', () => {
  it.each([4, 20, 300])('lets none of %i leases expire, though each lapses at a different time', async (count) => {
    const random = seededRandom(5);
    const { store, clock, leases } = await start(count);
    // Each instance renews once more in the last third of a TTL before the network fails, so the leases lapse over a
    // third of a TTL as well.
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

const REST_MS = 100;
const resting = createFixture(async (setup) => new MemoryStore({ ...setup, watchRestMs: REST_MS }));
afterEach(() => resting.end());

const ORDERS = 'sales.v1.OrderService';
const service = (index: number) => `x.v1.S${index}`;

/** The number of watchers that one change wakes in a registry of the given size. */
function countWoken({ instances, services, watchers }: Record<'instances' | 'services' | 'watchers', number>) {
  const catalog = new Catalog({ epoch: 1n, removalsKept: 1000 });
  const put = (index: number, weight: number) => {
    const services_ = [service(index % services)];
    const instanceId = `instance-${index}`;
    catalog.put({ ...registration({ instanceId, services: services_, weight }), operatorState: 'none' }, 0);
  };
  for (let index = 0; index < instances; index += 1) put(index, 1);
  let wakes = 0;
  for (let index = 0; index < watchers; index += 1) {
    catalog.watch(service(index % services), { wake: () => (wakes += 1) });
  }
  put(0, 2);
  return wakes;
}

describe('the cost of a change', () => {
  it('grows with the watchers of its service', () => {
    expect(countWoken({ instances: 100, services: 20, watchers: 20 })).toBe(1);
    expect(countWoken({ instances: 100, services: 20, watchers: 100 })).toBe(5);
  });

  it("doesn't grow with the size of the registry", () => {
    expect(countWoken({ instances: 1000, services: 20, watchers: 100 })).toBe(5);
    expect(countWoken({ instances: 1000, services: 200, watchers: 1000 })).toBe(5);
  });

  it('is one message, however many watches there are', async () => {
    const { store, clock } = await resting.start();
    await join(store);
    const watches = Array.from({ length: 5 }, () => follow(store));
    await Promise.all(watches.map(({ next }) => next()));
    await clock.advance(REST_MS);
    const waiting = Promise.all(watches.map(({ next }) => next()));
    await clock.advance(0);
    await join(store, { instanceId: 'sales-2' });
    const events = await waiting;
    expect(events[0]).toMatchObject({ kind: 'delta', upserts: [{ instanceId: 'sales-2' }] });
    expect(new Set(events).size).toBe(1);
    const responses = events.map((event) => event && toSharedWatchResponse(event));
    expect(new Set(responses).size).toBe(1);
  });

  it('is one message also for watchers at different positions', async () => {
    const { store, clock } = await resting.start();
    await join(store);
    const early = follow(store);
    await early.next();
    await join(store, { instanceId: 'other-1', services: [service(1)] });
    const late = follow(store);
    await late.next();
    await clock.advance(REST_MS);
    const waiting = Promise.all([early.next(), late.next()]);
    await clock.advance(0);
    await join(store, { instanceId: 'sales-2' });
    const [one, other] = await waiting;
    expect(one).toMatchObject({ kind: 'delta', upserts: [{ instanceId: 'sales-2' }] });
    expect(other).toBe(one);
  });

  it('is one message also for watchers at different parts of a snapshot', async () => {
    const { store } = await resting.start();
    const metadata = Object.fromEntries(Array.from({ length: 32 }, (_, key) => [`k${key}`, 'x'.repeat(256)]));
    for (let index = 0; index < 40; index += 1) {
      await join(store, { instanceId: `sales-${index}`, metadata });
    }
    const ahead = follow(store);
    const behind = follow(store);
    const sent: (WatchEvent | undefined)[] = [await ahead.next(), await ahead.next()];
    while (sent.at(-1)?.kind !== 'snapshot') {
      expect(await behind.next()).toBe(sent.shift());
      sent.push(await ahead.next());
    }
    for (const event of sent) expect(await behind.next()).toBe(event);
  });

  it('is a new message after another change', async () => {
    const { store } = await resting.start();
    await join(store);
    const first = await follow(store).next();
    await join(store, { instanceId: 'other-1', services: [service(1)] });
    const second = await follow(store).next();
    await join(store, { weight: 7 }, 2n);
    const third = await follow(store).next();
    await join(store, { instanceId: 'sales-2' });
    const fourth = await follow(store).next();
    expect([first, second, third, fourth]).toMatchObject([
      { position: { revision: 1n }, instances: [{ weight: 100 }] },
      { position: { revision: 2n }, instances: [{ weight: 100 }] },
      { position: { revision: 3n }, instances: [{ weight: 7 }] },
      { position: { revision: 4n }, instances: [{ weight: 7 }, { weight: 100 }] },
    ]);
  });
});

describe('a watch that has sent changes', () => {
  it('pauses, and then sends all changes of the pause as one event', async () => {
    const { store, clock } = await resting.start();
    const { next } = follow(store);
    await next();
    const first = next();
    for (let index = 0; index < 50; index += 1) {
      await join(store, { instanceId: `sales-${index}` });
      await clock.advance(1);
    }
    await clock.advance(REST_MS);
    const event = await first;
    expect(event).toMatchObject({ kind: 'delta', position: { revision: 50n } });
    expect(event?.kind === 'delta' && event.upserts.length).toBe(50);
  });

  it('sends a change at once after its pause', async () => {
    const { store, clock } = await resting.start();
    const { next } = follow(store);
    await next();
    await clock.advance(REST_MS);
    const waiting = next();
    await clock.advance(0);
    await join(store);
    expect(await waiting).toMatchObject({ kind: 'delta', position: { revision: 1n } });
  });

  it('ends during its pause, and leaves no timer', async () => {
    const clock = new ManualClock();
    const { store } = await resting.start({ clock });
    const { next, stop } = follow(store);
    await next();
    const waiting = next();
    await clock.advance(0);
    expect(clock.timers).toBe(1);
    stop();
    expect(await waiting).toBeUndefined();
    expect(clock.timers).toBe(0);
  });
});

function follow(store: RegistryStore) {
  const stop = new AbortController();
  const events = store.watch({ service: ORDERS, resumeFrom: undefined, signal: stop.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<WatchEvent | undefined> => (await events.next()).value;
  return { next, stop: () => stop.abort() };
}
