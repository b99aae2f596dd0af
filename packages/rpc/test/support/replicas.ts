import type { Method } from '../../src/contract/method.js';
import { RpcError, type Status } from '../../src/exports/status.js';
import { seededRandom } from '../../src/exports/testing.js';
import type { Endpoint } from '../../src/resolver/resolver.js';
import { endpoint } from './endpoints.js';
import { methodOf } from './method.js';
import { makePool, type PoolOptions } from './pool.js';
import { Timeline } from './timeline.js';

/** How one call at a replica ends. */
interface CallResult {
  /** How long the call takes. */
  readonly ms: number;
  /** The status of a failure; absent if the call succeeds. */
  readonly code?: Status;
  /** What ended the call early: its deadline or its caller. Absent if the replica ended it. */
  readonly endedBy?: 'deadline' | 'caller';
}

/** Decides how a call at the replica `name` ends. */
export type Behaviour = (name: string, random: () => number) => CallResult;

/** Calls at a constant rate for a while. */
interface Workload {
  readonly seconds: number;
  /** Calls a second, evenly spaced. */
  readonly rate: number;
  readonly method?: Method;
  readonly does: Behaviour;
}

/** The results of a workload. */
export interface Report {
  readonly calls: number;
  readonly errors: number;
  /** The share of the calls that each instance got, 0 to 1. */
  readonly shares: Readonly<Record<string, number>>;
  /** The times of the calls that succeeded, shortest first. Milliseconds. */
  readonly times: readonly number[];
  /** Each change of the instances that are set aside, with its time in seconds from the start of the workload. */
  readonly changes: readonly { readonly second: number; readonly aside: readonly string[] }[];
}

const errors = new Map<Status, RpcError>();

/** The error with a status. Errors are shared, because capturing a stack for each takes most of the time. */
function errorOf(code: Status): RpcError {
  const known = errors.get(code);
  if (known !== undefined) return known;
  const error = new RpcError(code, 'as told');
  errors.set(code, error);
  return error;
}

/** An endpoint pool over simulated replicas, on a timeline that doesn't wait. */
export function makeReplicas(replicas: readonly (string | Endpoint)[], options: PoolOptions = {}) {
  const timeline = new Timeline(Date.UTC(2026, 0, 1));
  const random = seededRandom(7);
  const made = makePool({ ...options, clock: timeline.clock });
  const { pool } = made;
  const endpoints = replicas.map((one) => (typeof one === 'string' ? endpoint(one) : one));
  pool.onResolution({ endpoints, departed: [] });
  const aside = (method: Method) =>
    pool.instances.all
      .filter((subchannel) => subchannel.candidate(method.path).setAside)
      .map(({ endpoint }) => endpoint.instanceId);

  function run({ seconds, rate, method = methodOf('no_side_effects'), does }: Workload): Report {
    const began = timeline.now();
    const counts: Record<string, number> = Object.fromEntries(
      pool.instances.all.map(({ endpoint }) => [endpoint.instanceId, 0]),
    );
    const times: number[] = [];
    const candidates = pool.instances.all.map((subchannel) => subchannel.candidate(method.path));
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
      if (candidate === undefined) throw new Error('no instance takes the call');
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

/** The quantile of sorted times: the time that the part `share` of them doesn't exceed. */
export function quantile(times: readonly number[], share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

// Jest looks globals up slowly, and a simulation draws millions of numbers.
const { cos, exp, log, PI, sqrt } = Math;

/** A log-normally distributed number. `sigma` is the standard deviation of its logarithm. */
export function logNormal(random: () => number, median: number, sigma: number): number {
  const normal = sqrt(-2 * log(1 - random())) * cos(2 * PI * random());
  return median * exp(sigma * normal);
}
