import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { HealthCheckResponse, HealthCheckResponse_ServingStatus } from '@rondo/contracts/health/v1/health';
import type { Endpoint } from '@rondo/rpc/client';
import { DEFAULT_SERVICE_POLICY } from '@rondo/rpc/internal';
import { endpoints } from '../../../packages/rpc/test/support/endpoints.js';
import { emptyReply } from '../../../packages/rpc/test/support/fake-transport.js';
import { makePool } from '../../../packages/rpc/test/support/pool.js';
import { positionAmong, positionOf, ringOf, SubsetWindow, subsetOf } from './subset.js';

const REPLICAS = endpoints(...Array.from({ length: 100 }, (_, index) => `i${index}`));
const SIZE = 10;
const refusal = { reason: 'unknown service s.S', proven: true, foreign: false };

/** A client of a hundred replicas that uses ten of them. */
function makeSubset({
  listed = REPLICAS,
  position = () => 0,
  ...options
}: Parameters<typeof makePool>[0] & { listed?: readonly Endpoint[]; position?: () => number } = {}) {
  const subset = new SubsetWindow({ size: options.balancing?.subsetSize ?? SIZE, position, zone: options.zone ?? '' });
  const made = makePool({ balancing: { ...DEFAULT_SERVICE_POLICY.balancing, subsetSize: SIZE }, subset, ...options });
  made.pool.onResolution({ endpoints: listed, departed: [] });
  const connected = () =>
    made.pool.instances.all
      .filter(({ transport }) => transport.state === 'ready')
      .map(({ endpoint }) => endpoint.instanceId);
  const called = () => Object.keys(made.share(1_000)).sort();
  return { ...made, connected, called };
}

describe('a client of many replicas', () => {
  it('connects to its subset alone, and shares its calls out among that', () => {
    const { connected, share, pool } = makeSubset();
    const subset = connected();
    expect(subset).toHaveLength(SIZE);
    expect(share(1_000)).toEqual(Object.fromEntries(subset.map((name) => [name, 100])));
    const outside = pool.instances.all.filter(({ inSubset }) => !inSubset);
    expect(new Set(outside.map((subchannel) => subchannel.whyUnavailable()))).toEqual(
      new Set(["not in this client's subset"]),
    );
    expect(outside).toHaveLength(90);
  });

  it('shares the replicas out evenly with its like', () => {
    const clients = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const counts = new Map<string, number>();
    for (const client of clients) {
      const { connected } = makeSubset({ position: () => positionAmong(client, clients) });
      for (const name of connected()) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual(Array(100).fill(5));
  });

  it.each([
    ['fails', (made: ReturnType<typeof makeSubset>, name: string) => made.at(`${name}:1`).move('transient_failure')],
    ['refuses all', (made: ReturnType<typeof makeSubset>, name: string) => made.refuse(made.candidate(name), refusal)],
    [
      'drains',
      ({ pool }: ReturnType<typeof makeSubset>, name: string) => {
        const changed = REPLICAS.map((one) => (one.instanceId === name ? { ...one, state: 'draining' as const } : one));
        pool.onResolution({ endpoints: changed, departed: [] });
      },
    ],
  ])('has another in the place of one that %s, at once', (_name, befall) => {
    const made = makeSubset();
    const before = made.connected();
    const [one = ''] = before;
    befall(made, one);
    const after = made.called();
    expect(after).toHaveLength(SIZE);
    expect(after).not.toContain(one);
    expect(after.filter((name) => before.includes(name))).toHaveLength(SIZE - 1);
  });

  it('has another in the place of one that says it does not serve', async () => {
    const { pool, at, clock } = makeSubset({ byHand: true, healthCheck: true });
    const inside = () => pool.instances.all.filter(({ inSubset }) => inSubset);
    const [sick] = inside();
    if (sick === undefined) throw new Error('ten were asked for');
    const word = HealthCheckResponse.encode({ status: HealthCheckResponse_ServingStatus.NOT_SERVING }).finish();
    const transport = at(sick.endpoint.address);
    transport.call = async () => ({ ...emptyReply, response: { stream: true, messages: Readable.from([word]) } });
    transport.move('ready');
    await clock.advance(1);
    expect(sick.whyUnavailable()).toBe('not serving (health)');
    expect(inside()).toHaveLength(SIZE + 1);
    pool.close();
  });

  it('reaches the one that is left of a hundred', () => {
    const { pool, at, pick, share } = makeSubset();
    for (let round = 0; round < 200; round += 1) {
      const name = pick() ?? 'none';
      if (name !== 'i50') at(`${name}:1`).move('transient_failure', 'refused');
    }
    expect(share(10)).toEqual({ i50: 10 });
    expect(pool.instances.all.filter(({ inSubset }) => inSubset).length).toBeGreaterThan(SIZE);
  });

  it('lets the one that stood in go when it begins anew, and not before', () => {
    const made = makeSubset();
    const before = made.connected();
    const [one = ''] = before;
    made.at(`${one}:1`).move('transient_failure');
    made.at(`${one}:1`).move('ready');
    expect(made.connected()).toHaveLength(SIZE + 1);
    made.pool.onResolution({ endpoints: REPLICAS, departed: [] });
    expect(made.connected().sort()).toEqual(before.sort());
    expect(made.called()).toHaveLength(SIZE);
  });

  it('keeps the connected instances if the registry lists none', () => {
    const { pool, called, connected } = makeSubset();
    const before = connected();
    pool.onResolution({ endpoints: [], departed: [] });
    expect(called()).toEqual([...before].sort());
  });
});

describe('a connection that leaves the subset', () => {
  function makeMoving() {
    let position = 0;
    const made = makeSubset({ position: () => position });
    const before = made.connected();
    const transports = new Map(before.map((name) => [name, made.at(`${name}:1`)]));
    const move = () => {
      position = 0.5;
      made.pool.onSubsetMove();
    };
    return { ...made, before, transports, move };
  }

  it('ends at once without a call in flight, and another takes its place', () => {
    const { move, before, transports, connected } = makeMoving();
    move();
    expect([...transports.values()].every(({ closed }) => closed)).toBe(true);
    expect(connected()).toHaveLength(SIZE);
    expect(connected().filter((name) => before.includes(name))).toEqual([]);
  });

  it('ends with a call in flight too, as a transport closes after its calls, and takes no more calls', () => {
    const { move, before, transports, candidate, pool, called, clock } = makeMoving();
    const [one = ''] = before;
    const busy = candidate(one);
    pool.onBegin(busy);
    move();
    expect(transports.get(one)?.closed).toBe(true);
    expect(called()).not.toContain(one);
    pool.onEnd(busy, { error: undefined, elapsedMs: 1, endedAt: clock.now() });
    expect(called()).not.toContain(one);
    expect(clock.timers).toBe(0);
  });

  it('is not asked for its health any more', async () => {
    let position = 0;
    const { pool, clock } = makeSubset({ position: () => position, healthCheck: true });
    await clock.advance(1);
    expect(clock.timers).toBe(SIZE); // each is asked again in a second, as it ended its answer
    position = 0.5;
    pool.onSubsetMove();
    await clock.advance(1);
    expect(clock.timers).toBe(SIZE);
    pool.close();
    expect(clock.timers).toBe(0);
  });

  it('is made anew where it is one of the subset again', () => {
    let position = 0;
    const { pool, connected } = makeSubset({ position: () => position });
    const before = connected();
    for (const next of [0.5, 0]) {
      position = next;
      pool.onSubsetMove();
    }
    expect(connected().sort()).toEqual(before.sort());
  });
});

describe('a client in a zone', () => {
  it('has a subset of each, its own zone, its region and the rest', () => {
    const listed = REPLICAS.map((one, index) => ({ ...one, zone: ['eu/a', 'eu/b', 'us/a', 'us/b'][index % 4] ?? '' }));
    const balancing = { ...DEFAULT_SERVICE_POLICY.balancing, policy: 'zone_aware', subsetSize: 4 } as const;
    const { pool, share } = makeSubset({ listed, balancing, zone: 'eu/a' });
    const zones = pool.instances.all
      .filter(({ inSubset }) => inSubset)
      .map(({ endpoint: { zone } }) => zone.slice(0, 2));
    expect(zones.sort()).toEqual([...Array(8).fill('eu'), ...Array(4).fill('us')]);
    const local = new Set(listed.filter(({ zone }) => zone === 'eu/a').map(({ instanceId }) => instanceId));
    expect(Object.keys(share(100)).every((name) => local.has(name))).toBe(true);
  });
});

const named = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);
const replicas = named('replica', 100);
const clients = named('client', 50);
const everybody = () => true;

/** The subset of each of the clients. */
function subsets(ids: readonly string[], size: number, place: (client: string) => number) {
  const ring = ringOf(ids);
  return clients.map((client) => subsetOf(ring, { size, position: place(client), usable: everybody }));
}

/** How many clients the least and the most wanted of the replicas have. */
function spread(all: readonly (readonly string[])[], ids: readonly string[]): readonly [number, number] {
  const counts = ids.map((id) => all.filter((subset) => subset.includes(id)).length);
  return [Math.min(...counts), Math.max(...counts)];
}

describe('a subset', () => {
  const ranked = (client: string) => positionAmong(client, clients);

  it.each([
    [97, 10],
    [100, 7],
    [31, 13],
    [1_000, 20],
  ])('of %i, %i each, gives all of them as many but for one', (count, size) => {
    const ids = named('replica', count);
    const [least, most] = spread(subsets(ids, size, ranked), ids);
    expect(most - least).toBeLessThanOrEqual(1);
  });

  it('is less even where clients do not know their peers: on average five, nowhere three times as many', () => {
    const all = subsets(replicas, 10, positionOf);
    const [, most] = spread(all, replicas);
    expect(new Set(all.flat()).size).toBeGreaterThanOrEqual(97);
    expect(most).toBeLessThan(15);
  });

  it.each([1, 2, 3, 4, 5])('changes by two at most where one joins or leaves (%i)', (seed) => {
    const random = seededRandom(seed);
    const gone = `replica-${Math.floor(random.next() * 100)}`;
    const before = subsets(replicas, 10, ranked);
    const after = subsets(
      replicas.filter((id) => id !== gone),
      10,
      ranked,
    );
    const lost = before.map((subset, index) => subset.filter((id) => !after[index]?.includes(id)).length);
    const gained = after.map((subset, index) => subset.filter((id) => !before[index]?.includes(id)).length);
    expect(Math.max(...lost)).toBeGreaterThan(0);
    expect(Math.max(...lost, ...gained)).toBeLessThanOrEqual(2);
  });

  it('is the same however they are listed', () => {
    const backwards = [...replicas].reverse();
    expect(subsets(backwards, 10, ranked)).toEqual(subsets(replicas, 10, ranked));
  });

  it('stays the same from one version to the next', () => {
    const ring = ringOf(named('replica', 8));
    expect(ring.map((id) => id.slice(-1)).join('')).toBe('23604517');
    expect(subsetOf(ring, { size: 2, position: 0.99, usable: everybody })).toEqual(['replica-7', 'replica-2']);
  });

  it('is wider by those that cannot be used', () => {
    const ring = ringOf(replicas);
    const options = { size: 3, position: 0, usable: (id: string) => id !== ring[1] && id !== ring[2] };
    expect(subsetOf(ring, options)).toEqual(ring.slice(0, 5));
    expect(subsetOf(ring, { ...options, usable: () => false })).toEqual(ring);
    expect(subsetOf(ring, { ...options, size: 1_000 })).toHaveLength(100);
    expect(subsetOf([], options)).toEqual([]);
  });
});

describe('the place of a client', () => {
  it('is known before it is listed itself', () => {
    const [first = '', ...others] = clients;
    expect(positionAmong(first, others)).toBe(positionAmong(first, clients));
    expect(positionAmong(first, [])).toBe(0);
  });

  it('is another one for each', () => {
    const places = clients.map((client) => positionAmong(client, clients) * 50);
    expect(places.map(Math.round).sort((one, other) => one - other)).toEqual([...Array(50).keys()]);
  });
});
