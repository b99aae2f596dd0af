import { describe, expect, it } from '@jest/globals';
import { ExpiryGuard, type LapseContext } from './expiry-guard.js';
import { Lapses } from './lapses.js';
import { TTL } from './limits.js';

const TTL_MS = 10_000;

/** A guard of a registry with `size` instances. `lapse` reports leases that ran out and returns the ids that expire. */
function start(size: number) {
  const reported: unknown[] = [];
  const guard = new ExpiryGuard({
    onBegin: (begin) => reported.push({ begin }),
    onEnd: (end) => reported.push({ end }),
  });
  const scene = { nowMs: 0, size };
  const lapse = (
    ids: readonly string[],
    { ttlMs = TTL_MS, ...part }: Partial<LapseContext> & { ttlMs?: number } = {},
  ) => {
    Object.assign(scene, part);
    const fallen = ids.map((instanceId) => ({ instanceId, ttlMs, lapseTimeMs: scene.nowMs }));
    const expired = guard.lapsed(fallen, { ...scene, ...part }).map(({ instanceId }) => instanceId);
    scene.size -= expired.length;
    return expired;
  };
  return { guard, reported, lapse };
}

function ids(count: number, prefix = 'i'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('the expiry guard', () => {
  it.each([
    [3, 3, 0],
    [4, 4, 4],
    [4, 26, 4],
    [4, 27, 0],
    [15, 100, 0],
    [16, 100, 16],
    [1500, 10_000, 0],
    [1501, 10_000, 1501],
  ])('of %i leases that lapse at once in a registry of %i, holds %i back', (count, size, held) => {
    const { guard, lapse } = start(size);
    expect(lapse(ids(count))).toHaveLength(count - held);
    expect(guard.held).toBe(held);
  });

  it('counts the leases that have expired already, and only lapses inside one TTL', () => {
    const { lapse } = start(20);
    expect(lapse(['a'], { nowMs: 0 })).toEqual(['a']);
    expect(lapse(['b', 'c'], { nowMs: 1 })).toEqual(['b', 'c']);
    expect(lapse(['d'], { nowMs: TTL_MS })).toEqual(['d']);
    expect(lapse(['e'], { nowMs: TTL_MS })).toEqual([]);
  });

  it('counts instances that left by lapsing in the size of the registry', () => {
    const { lapse } = start(27);
    expect(lapse(['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    expect(lapse(['d'])).toEqual(['d']);
    expect(lapse(['e'])).toEqual([]);
  });

  it('counts an instance once, however often it lapses', () => {
    const { guard, lapse } = start(5);
    for (let nowMs = 0; nowMs < 4 * TTL.minMs; nowMs += TTL.minMs) {
      expect(lapse(['a'], { nowMs, size: 5, ttlMs: TTL.minMs })).toEqual(['a']);
      guard.back('a');
    }
    expect(lapse(['b'], { size: 5, ttlMs: TTL.maxMs })).toEqual(['b']);
  });

  it('decides by the TTL of each lease: a longer TTL looks back further', () => {
    const { guard, lapse } = start(10);
    expect(lapse(['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    expect(lapse(['short'], { nowMs: 2 * TTL_MS })).toEqual(['short']);
    expect(lapse(['long'], { nowMs: 2 * TTL_MS, ttlMs: 3 * TTL_MS })).toEqual([]);
    expect(guard.lapseTimeOf('long')).toBe(2 * TTL_MS);
    expect(guard.lapseTimeOf('short')).toBeUndefined();
  });

  it('counts leases that have missed two renewals, so that none expires first if all instances are cut off', () => {
    const asked: number[] = [];
    const { guard, lapse } = start(20);
    const overdue = (withinMs: number, enough: number) => {
      asked.push(withinMs, enough);
      return 3;
    };
    expect(lapse(['a'], { overdue: () => 2 })).toEqual(['a']);
    expect(lapse(['b'], { overdue: () => 1 })).toEqual(['b']);
    expect(lapse(['c'], { nowMs: TTL_MS, overdue })).toEqual([]);
    expect(asked).toEqual([TTL_MS / 3, 3]);
    expect(guard.held).toBe(1);
  });

  it('holds each lease back for at most three of its own TTLs, from when it ran out', () => {
    const { guard, lapse } = start(10);
    lapse(['a', 'b', 'c', 'd'], { nowMs: 5 });
    lapse(['e'], { nowMs: 100, ttlMs: TTL.minMs });
    expect(guard.nextDueMs).toBe(100 + 3 * TTL.minMs);
    expect(guard.due(99 + 3 * TTL.minMs)).toEqual([]);
    expect(guard.due(100 + 3 * TTL.minMs).map(({ instanceId }) => instanceId)).toEqual(['e']);
    expect(guard.due(4 + 3 * TTL_MS)).toEqual([]);
    expect(guard.due(5 + 3 * TTL_MS)).toHaveLength(4);
    expect([guard.held, guard.nextDueMs]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('does not hold a lease back longer if its lapse is reported again', () => {
    const { guard, lapse } = start(4);
    lapse(ids(4));
    expect(lapse(ids(4), { nowMs: TTL_MS })).toEqual([]);
    expect(guard.due(3 * TTL_MS)).toHaveLength(4);
  });

  it('reports its begin and its end, with counts', () => {
    const { guard, reported, lapse } = start(10);
    lapse(ids(5));
    lapse(['late'], { nowMs: 1 });
    expect(reported).toEqual([{ begin: { lapsed: 5, size: 10 } }]);
    expect(guard.back('i0')).toBe(true);
    expect(guard.back('i0')).toBe(false);
    guard.due(3 * TTL_MS);
    expect(reported).toHaveLength(1);
    guard.due(3 * TTL_MS + 1);
    expect(reported[1]).toEqual({ end: { held: 6, back: 1, expired: 5 } });
    lapse(ids(5, 'again'), { nowMs: 10 * TTL_MS, size: 10 });
    for (const id of ids(5, 'again')) guard.back(id);
    expect(reported.slice(2)).toEqual([{ begin: { lapsed: 5, size: 10 } }, { end: { held: 5, back: 5, expired: 0 } }]);
  });
});

it('counts the lapses of a window, and the instances that left because of them', () => {
  const lapses = new Lapses();
  for (const [index, id] of ['a', 'b', 'c', 'a'].entries()) lapses.add(id, index);
  lapses.setGone('b', true);
  lapses.setGone('unknown', true);
  expect(lapses.after(-1)).toEqual({ lapsed: 3, gone: 1 });
  expect(lapses.after(1)).toEqual({ lapsed: 2, gone: 0 });
  lapses.setGone('b', false);
  expect(lapses.after(-1)).toEqual({ lapsed: 3, gone: 0 });
  lapses.setGone('c', true);
  lapses.add('c', 4);
  expect(lapses.after(-1)).toEqual({ lapsed: 3, gone: 0 });
});

it('remembers no more than the registry has instances, and nothing for longer than the longest TTL', () => {
  const lapses = new Lapses();
  const lapse = (count: number, atMs: number, size: number) => {
    for (let index = 0; index < count; index += 1) lapses.add(`${atMs}-${index}`, atMs);
    lapses.trim(atMs, size);
  };
  lapse(3000, 1, 2000);
  expect([lapses.size, lapses.after(0).lapsed]).toEqual([2000, 2000]);
  lapse(10, 2, 0);
  expect([lapses.size, lapses.after(1).lapsed]).toEqual([1000, 10]);
  lapse(1, 2 + TTL.maxMs, 2000);
  expect(lapses.size).toBe(1);
});
