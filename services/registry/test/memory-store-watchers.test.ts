import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { Catalog } from '../src/adapters/catalog/catalog.js';
import { MemoryStore } from '../src/adapters/memory-store/memory-store.js';
import type { RegistryStore } from '../src/domain/store.js';
import type { WatchEvent } from '../src/domain/watch-event.js';
import { toSharedWatchResponse } from '../src/rpc/messages.js';
import { createFixture, registration, said, TTL_MS } from './store/fixture.js';

const REST_MS = 100;
const fixture = createFixture(async (setup) => new MemoryStore({ ...setup, watchRestMs: REST_MS }));
afterEach(() => fixture.end());

const ORDERS = 'sales.v1.OrderService';
const service = (index: number) => `x.v1.S${index}`;

/** A registry of a size, all of whose watchers count how often they are woken. */
function woken({ instances, services, watchers }: Record<'instances' | 'services' | 'watchers', number>) {
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
  it('grows with its own watchers', () => {
    expect(woken({ instances: 100, services: 20, watchers: 20 })).toBe(1);
    expect(woken({ instances: 100, services: 20, watchers: 100 })).toBe(5);
  });

  it("doesn't grow with the registry", () => {
    expect(woken({ instances: 1000, services: 20, watchers: 100 })).toBe(5);
    expect(woken({ instances: 1000, services: 200, watchers: 1000 })).toBe(5);
  });

  it('is one message, however many watch', async () => {
    const { store, clock } = await fixture.start();
    await store.register(registration(), TTL_MS, said());
    const watches = Array.from({ length: 5 }, () => follow(store));
    await Promise.all(watches.map(({ next }) => next()));
    await clock.advance(REST_MS);
    const waiting = Promise.all(watches.map(({ next }) => next()));
    await clock.advance(0);
    await store.register(registration({ instanceId: 'sales-2' }), TTL_MS, said());
    const events = await waiting;
    expect(events[0]).toMatchObject({ kind: 'delta', upserts: [{ instanceId: 'sales-2' }] });
    expect(new Set(events).size).toBe(1);
    const responses = events.map((event) => event && toSharedWatchResponse(event));
    expect(new Set(responses).size).toBe(1);
  });

  it('is one message also for watchers that were at different places', async () => {
    const { store, clock } = await fixture.start();
    await store.register(registration(), TTL_MS, said());
    const early = follow(store);
    await early.next();
    await store.register(registration({ instanceId: 'other-1', services: [service(1)] }), TTL_MS, said());
    const late = follow(store);
    await late.next();
    await clock.advance(REST_MS);
    const waiting = Promise.all([early.next(), late.next()]);
    await clock.advance(0);
    await store.register(registration({ instanceId: 'sales-2' }), TTL_MS, said());
    const [one, other] = await waiting;
    expect(one).toMatchObject({ kind: 'delta', upserts: [{ instanceId: 'sales-2' }] });
    expect(other).toBe(one);
  });

  it('is one message also for watchers that are at different parts of a snapshot', async () => {
    const { store } = await fixture.start();
    const metadata = Object.fromEntries(Array.from({ length: 32 }, (_, key) => [`k${key}`, 'x'.repeat(256)]));
    for (let index = 0; index < 40; index += 1) {
      await store.register(registration({ instanceId: `sales-${index}`, metadata }), TTL_MS, said());
    }
    const ahead = follow(store);
    const behind = follow(store);
    const told: (WatchEvent | undefined)[] = [await ahead.next(), await ahead.next()];
    while (told.at(-1)?.kind !== 'snapshot') {
      expect(await behind.next()).toBe(told.shift());
      told.push(await ahead.next());
    }
    for (const event of told) expect(await behind.next()).toBe(event);
  });

  it('is another message after another change', async () => {
    const { store } = await fixture.start();
    await store.register(registration(), TTL_MS, said());
    const first = await follow(store).next();
    await store.register(registration({ instanceId: 'other-1', services: [service(1)] }), TTL_MS, said());
    const second = await follow(store).next();
    await store.register(registration({ weight: 7 }), TTL_MS, said(2n));
    const third = await follow(store).next();
    await store.register(registration({ instanceId: 'sales-2' }), TTL_MS, said());
    const fourth = await follow(store).next();
    expect([first, second, third, fourth]).toMatchObject([
      { position: { revision: 1n }, instances: [{ weight: 100 }] },
      { position: { revision: 2n }, instances: [{ weight: 100 }] },
      { position: { revision: 3n }, instances: [{ weight: 7 }] },
      { position: { revision: 4n }, instances: [{ weight: 7 }, { weight: 100 }] },
    ]);
  });
});

describe('a watch that was told of changes', () => {
  it('rests, and then tells of all that came meanwhile as one', async () => {
    const { store, clock } = await fixture.start();
    const { next } = follow(store);
    await next();
    const first = next();
    for (let index = 0; index < 50; index += 1) {
      await store.register(registration({ instanceId: `sales-${index}` }), TTL_MS, said());
      await clock.advance(1);
    }
    await clock.advance(REST_MS);
    const event = await first;
    expect(event).toMatchObject({ kind: 'delta', position: { revision: 50n } });
    expect(event?.kind === 'delta' && event.upserts.length).toBe(50);
  });

  it('tells of a change at once after its rest', async () => {
    const { store, clock } = await fixture.start();
    const { next } = follow(store);
    await next();
    await clock.advance(REST_MS);
    const waiting = next();
    await clock.advance(0);
    await store.register(registration(), TTL_MS, said());
    expect(await waiting).toMatchObject({ kind: 'delta', position: { revision: 1n } });
  });

  it('ends while it rests, and leaves no timer', async () => {
    const clock = new ManualClock();
    const { store } = await fixture.start({ clock });
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
