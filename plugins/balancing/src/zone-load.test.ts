import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { type Candidate, type Picker, weightedRoundRobin } from '@rondo/rpc/internal';
import { exponential } from '../../../packages/rpc/test/support/simulated-fleet.js';
import { Timeline } from '../../../packages/rpc/test/support/timeline.js';
import { zoneAware } from './zone-aware.js';

/** A replica that works on `workers` calls at once. Each takes `serviceMs`; the other calls wait. */
class Replica implements Candidate {
  readonly id: string;
  readonly zone: string;
  readonly weight = 100;
  readonly loadWeight = undefined;
  readonly ramp = 1;
  readonly workers: number;
  serviceMs: number;
  inFlight = 0;
  readonly #freeAt: number[];

  constructor(zone: string, index: number, { serviceMs, workers }: { serviceMs: number; workers: number }) {
    this.id = `${zone}#${index}`;
    this.zone = zone;
    this.serviceMs = serviceMs;
    this.workers = workers;
    this.#freeAt = new Array<number>(workers).fill(0);
  }

  /** When a call that arrives `now` ends. */
  take(now: number, spread: number): number {
    const first = this.#first(now);
    const end = Math.max(now, this.#freeAt[first] ?? 0) + this.serviceMs * spread;
    this.#freeAt[first] = end;
    return end;
  }

  /** A worker that is free now, or the one that will be free first. */
  #first(now: number): number {
    const free = this.#freeAt.findIndex((at) => at <= now);
    return free >= 0 ? free : this.#freeAt.indexOf(Math.min(...this.#freeAt));
  }
}

const noKey = { hashKey: undefined, tried: [] };

interface Load {
  readonly callsPerSecond: number;
  readonly seconds: number;
}

/** A client in `eu/a` of a fleet, with its own clock. */
function fleet(replicas: readonly Replica[], seed = 1) {
  const random = seededRandom(seed);
  const policy = zoneAware({ zone: 'eu/a', random, inner: () => weightedRoundRobin(random, 'static') });
  const picker: Picker<Replica> = policy.over(replicas);
  const timeline = new Timeline();

  /** Makes calls with random times between them and random durations. Returns the local share of the calls in each second. */
  function run({ callsPerSecond, seconds }: Load): readonly number[] {
    const local: number[] = [];
    for (let second = 0; second < seconds; second += 1) {
      let stayed = 0;
      let calls = 0;
      for (const until = (Math.floor(timeline.now() / 1_000) + 1) * 1_000; ; calls += 1) {
        timeline.runTo(timeline.now() + exponential(random, 1_000 / callsPerSecond));
        if (timeline.now() > until) break;
        const replica = picker.pick(noKey);
        if (replica === undefined) throw new Error('no replica was picked');
        if (replica.zone === 'eu/a') stayed += 1;
        replica.inFlight += 1;
        timeline.at(replica.take(timeline.now(), exponential(random, 1)), () => {
          replica.inFlight -= 1;
        });
      }
      local.push(calls === 0 ? 1 : stayed / calls);
    }
    return local;
  }
  return { run };
}

const zoneOf = (zone: string, count: number, speed: { serviceMs: number; workers: number }) =>
  Array.from({ length: count }, (_, index) => new Replica(zone, index, speed));

describe('a crowded zone', () => {
  const FAST = { serviceMs: 5, workers: 200 };

  // At 600 calls/s only a dozen calls a second measure the other zone's latency: the policy must not trust them at once.
  it.each([
    [30, 1],
    [300, 1],
    [600, 8],
    [3_000, 1],
  ])('keeps its calls while it is as fast as the next zone, at %i calls/s', (callsPerSecond, seed) => {
    const { run } = fleet([...zoneOf('eu/a', 3, FAST), ...zoneOf('eu/b', 3, FAST)], seed);
    expect(Math.min(...run({ callsPerSecond, seconds: 8 }))).toBeGreaterThanOrEqual(0.95);
  });

  it.each([
    [2, 0.7],
    [4, 0.35],
    [20, 0.07],
  ])('that is %i times slower keeps calls by its speed, and gets all of them back', (factor, kept) => {
    const local = zoneOf('eu/a', 3, FAST);
    const { run } = fleet([...local, ...zoneOf('eu/b', 3, FAST)]);
    run({ callsPerSecond: 1_000, seconds: 10 });
    for (const one of local) one.serviceMs *= factor;
    const shares = run({ callsPerSecond: 1_000, seconds: 20 }).slice(5);
    expect(Math.abs(mean(shares) - kept)).toBeLessThan(0.12);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(0.35);
    for (const one of local) one.serviceMs /= factor;
    expect(Math.min(...run({ callsPerSecond: 1_000, seconds: 10 }).slice(5))).toBeGreaterThanOrEqual(0.95);
  });

  it('that is overloaded overflows steadily until the load falls', () => {
    const narrow = { serviceMs: 5, workers: 1 }; // 200 calls/s each
    const local = zoneOf('eu/a', 3, narrow);
    const { run } = fleet([...local, ...zoneOf('eu/b', 6, narrow)]);
    expect(Math.min(...run({ callsPerSecond: 150, seconds: 10 }))).toBeGreaterThanOrEqual(0.95);
    const shares = run({ callsPerSecond: 900, seconds: 40 }).slice(10);
    expect(mean(shares)).toBeGreaterThan(0.4);
    expect(mean(shares)).toBeLessThan(0.65);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(0.25);
    expect(Math.max(...local.map(({ inFlight }) => inFlight))).toBeLessThan(40);
    expect(Math.min(...run({ callsPerSecond: 150, seconds: 30 }).slice(20))).toBeGreaterThanOrEqual(0.95);
  });
});

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
