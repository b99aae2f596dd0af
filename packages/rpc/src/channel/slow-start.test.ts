import { describe, expect, it } from '@jest/globals';
import { endpoint } from '../../test/support/endpoints.js';
import { makePool } from '../../test/support/pool.js';
import { DEFAULT_BALANCING } from '../contract/balancing.js';
import type { Endpoint } from '../resolver/resolver.js';
import { NewInstances } from './subchannels.js';

const STEADY = ['a', 'b', 'c'];

const process = (name: string, known: Partial<Endpoint> = {}) => endpoint(name, { incarnation: 1, ...known });

/** A pool that has made calls to three instances. */
function settled(options: Parameters<typeof makePool>[0] = {}) {
  const made = makePool(options);
  const resolve = (...endpoints: readonly Endpoint[]) => made.pool.onResolution({ endpoints, departed: [] });
  const steady = STEADY.map((name) => process(name));
  resolve(...steady);
  for (const name of STEADY) made.at(`${name}:1`).move('ready');
  made.share(6);
  return { ...made, resolve, steady };
}

/** What `name` gets of 100 calls. */
const percent = ({ share }: Pick<ReturnType<typeof makePool>, 'share'>, name: string, count: number) =>
  (100 * (share(count)[name] ?? 0)) / count;

describe('the share of a newcomer', () => {
  it('grows in a line over the window, at 500 calls/s: no flood', async () => {
    const fleet = settled();
    fleet.resolve(...fleet.steady, process('new'));
    const shares: number[] = [];
    for (let tick = 0; tick < 120; tick += 1) {
      shares.push(percent(fleet, 'new', 50));
      await fleet.clock.advance(100);
    }
    const perSecond = Array.from({ length: 12 }, (_, second) => {
      const own = shares.slice(second * 10, second * 10 + 10);
      return own.reduce((sum, share) => sum + share, 0) / own.length;
    });
    for (const [second, share] of perSecond.entries()) {
      const ramp = Math.min(1, Math.max(0.1, (second + 0.5) / 10));
      const line = (100 * ramp) / (3 + ramp);
      expect(Math.abs(share - line)).toBeLessThan(3);
      expect(share).toBeLessThan(27);
      expect(share).toBeGreaterThan((perSecond[second - 1] ?? 0) - 0.5);
    }
    expect(perSecond[0]).toBeLessThan(5);
    expect(perSecond[11]).toBeCloseTo(25, 0);
  });

  it('begins when it is first ready: connected, and serving', async () => {
    const { clock, at, resolve, steady, candidate } = settled({ byHand: true });
    resolve(...steady, process('new', { state: 'starting' }));
    await clock.advance(20_000);
    at('new:1').move('ready');
    await clock.advance(20_000);
    resolve(...steady, process('new'));
    expect(candidate('new').ramp).toBe(0.1);
    await clock.advance(5_000);
    expect(candidate('new').ramp).toBe(0.5);
  });

  it('is whole at once where the contract has no slow start', () => {
    const { resolve, steady, candidate } = settled({ balancing: { ...DEFAULT_BALANCING, slowStartMs: 0 } });
    resolve(...steady, process('new'));
    expect(candidate('new').ramp).toBe(1);
  });

  it('is as large as that of any other, where all came at once', () => {
    const { resolve, share, candidate } = settled();
    resolve(...STEADY.map((name) => process(name, { incarnation: 2 })));
    expect(STEADY.map((name) => candidate(name).ramp)).toEqual([0.1, 0.1, 0.1]);
    share(3);
    expect(share(9)).toEqual({ a: 3, b: 3, c: 3 });
  });
});

describe('a newcomer', () => {
  it('does not apply to instances that the client knew before its first call', () => {
    const { pool, pick, candidate } = makePool();
    pool.onResolution({ endpoints: [process('a')], departed: [] });
    pool.onResolution({ endpoints: [process('a'), process('b')], departed: [] });
    pick();
    expect([candidate('a').ramp, candidate('b').ramp]).toEqual([1, 1]);
  });

  it('is another process of the same name', () => {
    const { at, resolve, steady, candidate } = settled();
    at('a:1').move('transient_failure', 'refused');
    at('a:1').move('ready');
    resolve(process('a', { incarnation: 2 }), ...steady.slice(1));
    expect(candidate('a').ramp).toBe(0.1);
  });

  it('is none that was lost for a while, by the registry too, nor one that was uncordoned', () => {
    const { at, resolve, steady, candidate } = settled();
    at('a:1').move('transient_failure', 'broken');
    resolve(...steady.slice(1));
    resolve(...steady);
    expect(candidate('a').ramp).toBe(1);
    resolve(process('a', { state: 'cordoned' }), ...steady.slice(1));
    resolve(...steady);
    expect(candidate('a').ramp).toBe(1);
  });

  it('gets one call at once, however few there are, and no second one before its share says so', () => {
    const fleet = settled();
    fleet.resolve(...fleet.steady, process('new'));
    expect(fleet.pick()).toBe('new');
    expect(fleet.share(9)['new'] ?? 0).toBeLessThanOrEqual(1);
  });

  it('gets no first call that avoids it', () => {
    const fleet = settled();
    fleet.resolve(...fleet.steady, process('new'));
    expect(fleet.pick(undefined, [fleet.candidate('new')])).not.toBe('new');
    expect(fleet.pick()).toBe('new');
  });

  it('gets none at once where a key decides who gets a call', () => {
    const { resolve, steady, candidate } = settled({ balancing: { ...DEFAULT_BALANCING, policy: 'ring_hash' } });
    resolve(...steady, process('new'));
    expect(candidate('new').awaitsFirstCall).toBe(false);
  });

  it.each([
    ['eu/a', true],
    ['eu/b', false],
  ])('in %s gets a first call at once from a client in eu/a: %s', (zone, expected) => {
    const { resolve, steady, candidate } = settled({
      zone: 'eu/a',
      balancing: { ...DEFAULT_BALANCING, policy: 'zone_aware' },
    });
    resolve(...steady, process('new', { zone }));
    expect(candidate('new').awaitsFirstCall).toBe(expected);
  });
});

describe('Arrivals', () => {
  it('remember a bounded number of those that have gone', () => {
    const arrivals = new NewInstances();
    for (let index = 0; index < 2_000; index += 1) {
      arrivals.note({ instanceId: `i${index}`, incarnation: 1 });
      arrivals.trim(1);
    }
    expect(arrivals.note({ instanceId: 'i1999', incarnation: 1 })).toBe(false);
    expect(arrivals.note({ instanceId: 'i1100', incarnation: 1 })).toBe(false);
    expect(arrivals.note({ instanceId: 'i900', incarnation: 1 })).toBe(true);
  });
});
