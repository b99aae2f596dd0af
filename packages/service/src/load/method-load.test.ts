import { describe, expect, it } from '@jest/globals';
import { type CallEnd, MethodLoad } from './method-load.js';

interface Calls {
  readonly fromMs?: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly takeMs: number;
  readonly how?: CallEnd;
}

/** Calls in steady succession; the figures are read at the end of each, if 100 ms have passed, as reports are made. */
function run({ fromMs = 0, seconds, perSecond, takeMs, how = 'answered' }: Calls, load = new MethodLoad(fromMs)) {
  const events: { at: number; act: (at: number) => void }[] = [];
  let figures = { at: Number.NEGATIVE_INFINITY, ...load.read(fromMs) };
  const end = (at: number) => {
    load.end(how, at);
    if (at - figures.at >= 100) figures = { at, ...load.read(at) };
  };
  for (let at = fromMs; at < fromMs + seconds * 1_000; at += 1_000 / perSecond) {
    events.push({ at, act: (now) => load.begin(now) }, { at: at + takeMs, act: end });
  }
  for (const { at, act } of events.toSorted((a, b) => a.at - b.at)) act(at);
  return figures;
}

/** What a call takes, as the figures have it. Milliseconds. */
const takes = ({ utilization, callsPerSecond }: { utilization: number; callsPerSecond: number }) =>
  (utilization / callsPerSecond) * 1_000;

describe('the load of a method', () => {
  it('is its calls a second and how many are in flight at a time', () => {
    const figures = run({ seconds: 10, perSecond: 40, takeMs: 50 });
    expect(figures.callsPerSecond).toBeCloseTo(40, -1);
    expect(figures.utilization).toBeCloseTo(2, 0);
    expect(Math.abs(takes(figures) - 50.5)).toBeLessThan(2);
    expect(figures.faultsPerSecond).toBe(0);
  });

  it('tells what a call takes from the first one on, and however seldom they come', () => {
    expect(takes(run({ seconds: 0.1, perSecond: 10, takeMs: 20 }))).toBeCloseTo(20.5, 0);
    expect(takes(run({ fromMs: 600_000, seconds: 120, perSecond: 0.1, takeMs: 20 }))).toBeCloseTo(20.5, 0);
  });

  it('shows within three seconds that calls have become slow, and that they are fast again', () => {
    const load = new MethodLoad(0);
    run({ seconds: 10, perSecond: 100, takeMs: 5 }, load);
    expect(takes(run({ fromMs: 11_000, seconds: 3, perSecond: 100, takeMs: 100 }, load))).toBeGreaterThan(75);
    expect(takes(run({ fromMs: 15_000, seconds: 3, perSecond: 100, takeMs: 5 }, load))).toBeLessThan(20);
  });

  it('has in flight what has begun and does not end', () => {
    const load = new MethodLoad(0);
    run({ seconds: 10, perSecond: 100, takeMs: 5 }, load);
    for (let call = 0; call < 10; call += 1) load.begin(11_000);
    load.end('answered', 14_000);
    const figures = load.read(14_000);
    expect(figures.utilization).toBeGreaterThan(7);
    expect(figures.callsPerSecond).toBeLessThan(10);
  });

  it('takes differences for none that no caller would feel', () => {
    const fast = takes(run({ seconds: 5, perSecond: 100, takeMs: 0.01 }));
    const slower = takes(run({ seconds: 5, perSecond: 100, takeMs: 0.05 }));
    expect(slower / fast).toBeLessThan(1.1);
  });

  it('counts faults, and takes none for a fast answer', () => {
    const sound = run({ seconds: 5, perSecond: 100, takeMs: 20 });
    const failing = run({ seconds: 5, perSecond: 100, takeMs: 0.1, how: 'failed' });
    expect(failing.faultsPerSecond).toBeCloseTo(failing.callsPerSecond, 5);
    expect(takes(failing)).toBeGreaterThan(5 * takes(sound));
  });

  it('takes no refusal for a fast answer, nor for a fault', () => {
    const refusing = run({ seconds: 5, perSecond: 100, takeMs: 0.1, how: 'refused' });
    expect(refusing.faultsPerSecond).toBe(0);
    expect(takes(refusing)).toBeGreaterThan(100);
  });

  it('counts the time of calls whose callers left, and not the calls', () => {
    const load = new MethodLoad(0);
    load.begin(0);
    load.begin(0);
    load.end('left', 50);
    load.end('answered', 100);
    expect(takes(load.read(100))).toBeCloseTo(150.5, 5);
  });

  it('is a number whatever the clock says', () => {
    const load = new MethodLoad(5);
    load.begin(5);
    load.end('answered', 5);
    expect(load.read(5)).toEqual({ callsPerSecond: 1, faultsPerSecond: 0, utilization: 0.0005 });
    expect(load.read(5)).toEqual(load.read(5));
    expect(Object.values(load.read(1e12)).every(Number.isFinite)).toBe(true);
  });
});
