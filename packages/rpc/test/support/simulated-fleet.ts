import { type BalancingPolicy, type Candidate, createPolicy, type Picker } from '../../src/balancer/index.js';
import type { Random } from '../../src/clock/index.js';
import { type Balancing, DEFAULT_BALANCING, POLICIES } from '../../src/contract/index.js';
import { seededRandom } from '../../src/testing/index.js';
import { Timeline } from './timeline.js';

/** A candidate whose figures a test sets. */
export interface FakeCandidate extends Candidate {
  weight: number;
  loadWeight: number | undefined;
  ramp: number;
  inFlight: number;
}

export function candidate(id: string, known: Partial<FakeCandidate> = {}): FakeCandidate {
  return { id, zone: '', weight: 100, loadWeight: undefined, ramp: 1, inFlight: 0, ...known };
}

/** So many of them, called `i0`, `i1` …; what `knownOf` says of each. */
export function fleet(count: number, knownOf: (index: number) => Partial<FakeCandidate> = () => ({})): FakeCandidate[] {
  return Array.from({ length: count }, (_, index) => candidate(`i${index}`, knownOf(index)));
}

/** A policy that the contract of policies is held against. */
interface PolicyCase {
  readonly name: string;
  readonly create: (random: Random) => BalancingPolicy;
  /** Puts candidates where the policy treats them differently. */
  readonly place: <C extends Candidate>(candidates: readonly C[]) => readonly C[];
}

const weighings: readonly { readonly name: string; readonly balancing: Balancing }[] = [
  ...POLICIES.map((policy) => ({ name: policy, balancing: { ...DEFAULT_BALANCING, policy } })),
  {
    name: 'weighted_round_robin by load',
    balancing: { ...DEFAULT_BALANCING, policy: 'weighted_round_robin', weights: 'load' },
  },
];

/** Each policy, and each way to weigh; zone_aware from nowhere, and from one of the zones that candidates are in. */
export const everyPolicy: readonly PolicyCase[] = [
  ...weighings.map(({ name, balancing }) => ({
    name,
    create: (random: Random) => createPolicy(balancing, { random, zone: '' }),
    place: <C extends Candidate>(candidates: readonly C[]) => candidates,
  })),
  {
    name: 'zone_aware, from a zone',
    create: (random) => createPolicy({ ...DEFAULT_BALANCING, policy: 'zone_aware' }, { random, zone: 'eu/a' }),
    place: (candidates) => candidates.map((one, at) => Object.assign(one, { zone: ZONES[at % ZONES.length] })),
  },
];

const ZONES = ['us/a', 'eu/b', 'eu/a', ''];

/** Picks so many times, for calls with a key each, which all end at once: how many each candidate got. */
export function share<C extends Candidate>(picker: Picker<C>, calls: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < calls; index += 1) {
    const id = picker.pick({ hashKey: `key-${index}`, tried: [] })?.id ?? 'nobody';
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

/** What a simulation is made of. */
export interface Traffic {
  readonly policy: BalancingPolicy;
  readonly fleet: readonly FakeCandidate[];
  /** How many calls there are in all. */
  readonly calls: number;
  /** How many a second, by chance like a crowd's; or how many at any time. */
  readonly load: { readonly perSecond: number } | { readonly atOnce: number };
  /** How long one of them takes a call. Milliseconds. */
  readonly serviceMs: (candidate: FakeCandidate, random: Random) => number;
}

/** Calls over time that takes none: how many each candidate got. */
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
    if (target === undefined) throw new Error('nobody was picked');
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

// Simulations draw millions, and a test's globals are slow to reach.
const { log } = Math;

/** A time that is `meanMs` on average, as times between things that know nothing of each other are. */
export function exponential(random: Random, meanMs: number): number {
  return -log(1 - random.next()) * meanMs;
}
