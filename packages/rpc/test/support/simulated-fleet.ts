import type { BalancingPolicy, Candidate, Picker } from '../../src/balancer/picker.js';
import { type ChannelPolicies, createPolicyOf } from '../../src/channel/policies.js';
import { type Balancing, DEFAULT_BALANCING, POLICY_NAMES } from '../../src/contract/balancing.js';
import type { Random } from '../../src/exports/clock.js';
import { seededRandom } from '../../src/exports/testing.js';
import { Timeline } from './timeline.js';

export { createPolicyOf };

/** A candidate whose figures the test sets. */
export interface FakeCandidate extends Candidate {
  weight: number;
  loadWeight: number | undefined;
  ramp: number;
  inFlight: number;
}

/** A candidate of weight 100 in an unknown zone, with `figures` in place of the defaults. */
export function candidate(id: string, figures: Partial<FakeCandidate> = {}): FakeCandidate {
  return { id, zone: '', weight: 100, loadWeight: undefined, ramp: 1, inFlight: 0, ...figures };
}

/** `count` candidates named `i0`, `i1` …, with the figures that `figuresOf` gives each. */
export function fleet(
  count: number,
  figuresOf: (index: number) => Partial<FakeCandidate> = () => ({}),
): FakeCandidate[] {
  return Array.from({ length: count }, (_, index) => candidate(`i${index}`, figuresOf(index)));
}

/** A policy that the contract tests run against. */
interface PolicyCase {
  readonly name: string;
  readonly create: (random: Random) => BalancingPolicy;
  /** Puts candidates into zones that the policy treats differently. */
  readonly place: <C extends Candidate>(candidates: readonly C[]) => readonly C[];
}

const balancings: readonly { readonly name: string; readonly balancing: Balancing }[] = [
  ...POLICY_NAMES.map((policy) => ({ name: policy, balancing: { ...DEFAULT_BALANCING, policy } })),
  {
    name: 'weighted_round_robin by load',
    balancing: { ...DEFAULT_BALANCING, policy: 'weighted_round_robin', weights: 'load' },
  },
];

/** Each policy with each source of weights. `zone_aware` comes twice: with the client's zone unknown and known. */
export const everyPolicy = (policies: ChannelPolicies): readonly PolicyCase[] => [
  ...balancings.map(({ name, balancing }) => ({
    name,
    create: (random: Random) => createPolicyOf(balancing.policy, policies)({ ...balancing, random, zone: '' }),
    place: <C extends Candidate>(candidates: readonly C[]) => candidates,
  })),
  {
    name: 'zone_aware, from a zone',
    create: (random) => policies.balancing.zone_aware({ random, zone: 'eu/a', weights: 'static' }),
    place: (candidates) => candidates.map((one, at) => Object.assign(one, { zone: ZONES[at % ZONES.length] })),
  },
];

const ZONES = ['us/a', 'eu/b', 'eu/a', ''];

/** Makes `calls` picks with a different key each; the calls end at once. Returns how many calls each candidate got. */
export function share<C extends Candidate>(picker: Picker<C>, calls: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < calls; index += 1) {
    const id = picker.pick({ hashKey: `key-${index}`, tried: [] })?.id ?? 'none';
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

/** What a simulation is made from. */
export interface Traffic {
  readonly policy: BalancingPolicy;
  readonly fleet: readonly FakeCandidate[];
  /** The number of calls in all. */
  readonly calls: number;
  /** The rate of a Poisson arrival process, or a constant number of calls in flight. */
  readonly load: { readonly perSecond: number } | { readonly atOnce: number };
  /** How long a candidate takes for one call. Milliseconds. */
  readonly serviceMs: (candidate: FakeCandidate, random: Random) => number;
}

/** Simulates traffic without waiting in real time. Returns how many calls each candidate got. */
export function simulate({ policy, fleet, calls, load, serviceMs }: Traffic): Record<string, number> {
  const timeline = new Timeline();
  const random = seededRandom(7);
  const picker = policy.over(fleet);
  const counts: Record<string, number> = Object.fromEntries(fleet.map(({ id }) => [id, 0]));
  const noKey = { hashKey: undefined, tried: [] };
  let left = calls;
  const call = (onEnd: () => void) => {
    if (left === 0) return;
    left -= 1;
    const target = picker.pick(noKey);
    if (target === undefined) throw new Error('no candidate was picked');
    counts[target.id] = (counts[target.id] ?? 0) + 1;
    target.inFlight += 1;
    timeline.at(timeline.now() + serviceMs(target, random), () => {
      target.inFlight -= 1;
      onEnd();
    });
  };
  if ('atOnce' in load) {
    const again = () => call(again);
    for (let count = 0; count < load.atOnce; count += 1) again();
  } else {
    const arrive = () => {
      call(() => undefined);
      if (left > 0) timeline.at(timeline.now() + exponential(random, 1_000 / load.perSecond), arrive);
    };
    arrive();
  }
  timeline.runOut();
  return counts;
}

// Jest looks globals up slowly, and a simulation draws millions of numbers.
const { log } = Math;

/** An exponentially distributed time with the mean `meanMs`. */
export function exponential(random: Random, meanMs: number): number {
  return -log(1 - random.next()) * meanMs;
}
