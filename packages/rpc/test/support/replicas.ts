import type { Method } from '../../src/contract/index.js';
import type { Endpoint } from '../../src/resolver/index.js';
import { RpcError, type Status } from '../../src/status/index.js';
import { seededRandom } from '../../src/testing/index.js';
import { endpoint } from './endpoints.js';
import { methodOf } from './method.js';
import { makePool, type PoolOptions } from './pool.js';
import { Timeline } from './timeline.js';

/** How a replica does one call. */
export interface Deed {
  readonly ms: number;
  readonly code?: Status;
  /** Why its caller waits no longer when it ends. */
  readonly endedBy?: 'deadline' | 'caller';
}

/** How replicas do their calls. */
export type Behaviour = (name: string, random: () => number) => Deed;

/** What a stretch of calls is. */
export interface Stretch {
  readonly seconds: number;
  /** Calls a second, evenly spaced. */
  readonly rate: number;
  readonly method?: Method;
  readonly does: Behaviour;
}

/** What came of it. */
export interface Report {
  readonly calls: number;
  readonly errors: number;
  /** Which share of the calls each got. */
  readonly shares: Readonly<Record<string, number>>;
  /** Of those that were answered, in order of their length. Milliseconds. */
  readonly times: readonly number[];
  /** When somebody came to be left out, or nobody any more, in seconds from the beginning. */
  readonly changes: readonly { readonly second: number; readonly aside: readonly string[] }[];
}

const errors = new Map<Status, RpcError>();

/** One of each kind does: its stack is what costs. */
function errorOf(code: Status): RpcError {
  const known = errors.get(code);
  if (known !== undefined) return known;
  const error = new RpcError(code, 'as told');
  errors.set(code, error);
  return error;
}

/** Replicas as their client sees them, endedBy a clock that runs as fast as it can. */
export function makeReplicas(replicas: readonly (string | Endpoint)[], options: PoolOptions = {}) {
  const timeline = new Timeline(Date.UTC(2026, 0, 1));
  const random = seededRandom(7);
  const made = makePool({ ...options, clock: timeline.clock });
  const { pool } = made;
  const endpoints = replicas.map((one) => (typeof one === 'string' ? endpoint(one) : one));
  pool.onResolution({ endpoints, departed: [] });
  const aside = (method: Method) =>
    pool.subchannels
      .filter((subchannel) => subchannel.candidate(method.path).setAside)
      .map(({ endpoint }) => endpoint.instanceId);

  function run({ seconds, rate, method = methodOf('no_side_effects'), does }: Stretch): Report {
    const began = timeline.now();
    const counts: Record<string, number> = Object.fromEntries(
      pool.subchannels.map(({ endpoint }) => [endpoint.instanceId, 0]),
    );
    const times: number[] = [];
    const candidates = pool.subchannels.map((subchannel) => subchannel.candidate(method.path));
    const wereAside = candidates.map(({ setAside }) => setAside);
    const changes: { second: number; aside: readonly string[] }[] = [];
    let failed = 0;
    const note = () => {
      if (candidates.every(({ setAside }, index) => setAside === wereAside[index])) return;
      candidates.forEach(({ setAside }, index) => {
        wereAside[index] = setAside;
      });
      changes.push({ second: (timeline.now() - began) / 1_000, aside: aside(method) });
    };
    const call = () => {
      const candidate = pool.pick(method, { hashKey: undefined, tried: [] });
      if (candidate === undefined) throw new Error('nobody takes the call');
      note();
      counts[candidate.id] = (counts[candidate.id] ?? 0) + 1;
      const { ms, code, endedBy } = does(candidate.id, random.next);
      const probe = pool.onBegin(candidate);
      const endedAt = timeline.now() + ms;
      timeline.at(endedAt, () => {
        const error = code === undefined ? undefined : errorOf(code);
        if (error === undefined) times.push(ms);
        else failed += 1;
        pool.onEnd(candidate, { error, elapsedMs: ms, endedAt, endedBy, probe });
        note();
      });
    };
    const calls = Math.round(seconds * rate);
    for (let index = 0; index < calls; index += 1) {
      timeline.runTo(began + (index * 1_000) / rate);
      call();
    }
    timeline.runTo(began + seconds * 1_000);
    timeline.runOut();
    const shares = Object.fromEntries(Object.entries(counts).map(([id, count]) => [id, count / calls]));
    return { calls, errors: failed, shares, times: times.sort((a, b) => a - b), changes };
  }

  const passes = (ms: number) => timeline.runTo(timeline.now() + ms);
  return { ...made, run, aside, passes, now: () => timeline.now() };
}

/** Of times in order, the one that `share` of them don't exceed. */
export function quantile(times: readonly number[], share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

// Simulations draw millions, and a test's globals are slow to reach.
const { cos, exp, log, PI, sqrt } = Math;

/** A number whose logarithm is spread normally around that of `median`. */
export function logNormal(random: () => number, median: number, sigma: number): number {
  const normal = sqrt(-2 * log(1 - random())) * cos(2 * PI * random());
  return median * exp(sigma * normal);
}
