import { describe, expect, it } from '@jest/globals';
import { ExpiryGuard, type LapseScene } from './expiry-guard.js';
import { TTL } from './limits.js';

const TTL_MS = 10_000;

/** A guard of a registry with `size` instances, told of one lapse or several at a time; gives the ids that expire. */
function start(size: number) {
  const told: unknown[] = [];
  const guard = new ExpiryGuard({
    onBegin: (begin) => told.push({ begin }),
    onEnd: (end) => told.push({ end }),
  });
  const scene = { nowMs: 0, size };
  const lapse = (
    ids: readonly string[],
    { ttlMs = TTL_MS, ...part }: Partial<LapseScene> & { ttlMs?: number } = {},
  ) => {
    Object.assign(scene, part);
    const fallen = ids.map((instanceId) => ({ instanceId, ttlMs, lapseTimeMs: scene.nowMs }));
    const expired = guard.lapsed(fallen, { ...scene, ...part }).map(({ instanceId }) => instanceId);
    scene.size -= expired.length;
    return expired;
  };
  return { guard, told, lapse };
}

function ids(count: number, prefix = 'i'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('the expiry guard', () => {
  it('lets single leases expire, and as many as three of the smallest registry', () => {
    const { guard, told, lapse } = start(3);
    expect(lapse(['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    expect([guard.held, told]).toEqual([0, []]);
  });

  it.each([
    [3, 3, 0],
    [4, 4, 4],
    [4, 26, 4],
    [4, 27, 0],
    [15, 100, 0],
    [16, 100, 16],
    [1500, 10_000, 0],
    [1501, 10_000, 1501],
  ])('of %i that lapse at once in a registry of %i, holds %i', (count, size, held) => {
    const { guard, lapse } = start(size);
    expect(lapse(ids(count))).toHaveLength(count - held);
    expect(guard.held).toBe(held);
  });

  it('counts those that have gone already, and those alone that lapsed inside one TTL', () => {
    const { lapse } = start(20);
    expect(lapse(['a'], { nowMs: 0 })).toEqual(['a']);
    expect(lapse(['b', 'c'], { nowMs: 1 })).toEqual(['b', 'c']);
    expect(lapse(['d'], { nowMs: TTL_MS })).toEqual(['d']);
    expect(lapse(['e'], { nowMs: TTL_MS })).toEqual([]);
  });

  it('takes the registry as it was before: what has gone by lapsing still counts in its size', () => {
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

  it('decides by the TTL of each lease: a long one looks back further', () => {
    const { guard, lapse } = start(10);
    expect(lapse(['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    expect(lapse(['short'], { nowMs: 2 * TTL_MS })).toEqual(['short']);
    expect(lapse(['long'], { nowMs: 2 * TTL_MS, ttlMs: 3 * TTL_MS })).toEqual([]);
    expect(guard.lapseTimeOf('long')).toBe(2 * TTL_MS);
    expect(guard.lapseTimeOf('short')).toBeUndefined();
  });

  it('counts those that have missed two renewals: so none goes first where all are cut off', () => {
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

  it('holds each for at most three of its own TTLs, from when it ran out', () => {
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

  it('is told again of one that is held, and holds it no longer for that', () => {
    const { guard, lapse } = start(4);
    lapse(ids(4));
    expect(lapse(ids(4), { nowMs: TTL_MS })).toEqual([]);
    expect(guard.due(3 * TTL_MS)).toHaveLength(4);
  });

  it('reports as it begins and as it ends, with counts', () => {
    const { guard, told, lapse } = start(10);
    lapse(ids(5));
    lapse(['late'], { nowMs: 1 });
    expect(told).toEqual([{ begin: { lapsed: 5, size: 10 } }]);
    expect(guard.back('i0')).toBe(true);
    expect(guard.back('i0')).toBe(false);
    guard.due(3 * TTL_MS);
    expect(told).toHaveLength(1);
    guard.due(3 * TTL_MS + 1);
    expect(told[1]).toEqual({ end: { held: 6, back: 1, expired: 5 } });
    lapse(ids(5, 'again'), { nowMs: 10 * TTL_MS, size: 10 });
    for (const id of ids(5, 'again')) guard.back(id);
    expect(told.slice(2)).toEqual([{ begin: { lapsed: 5, size: 10 } }, { end: { held: 5, back: 5, expired: 0 } }]);
  });
});
