import { Connections } from '../../src/channel/connections.js';
import { EndpointPool, type EndpointPoolOptions } from '../../src/channel/endpoint-pool.js';
import type { Refusal } from '../../src/channel/failure.js';
import type { MethodCandidate, Subchannel } from '../../src/channel/subchannel.js';
import { DEFAULT_BALANCING } from '../../src/contract/balancing.js';
import type { Method } from '../../src/contract/method.js';
import { ManualClock, seededRandom } from '../../src/exports/testing.js';
import { fakeTransports } from './fake-transport.js';
import { methodOf } from './method.js';
import { policies } from './policies.js';

const safe = methodOf('no_side_effects');

/** The options of a test's endpoint pool. `byHand`: connections stay `connecting` until the test moves them. */
export type PoolOptions = { byHand?: boolean } & Partial<EndpointPoolOptions>;

/** An endpoint pool over fake transports, with a manual clock. */
export function makePool({ byHand = false, ...options }: PoolOptions = {}) {
  const { factory, at } = fakeTransports({ byHand });
  const clock = new ManualClock();
  const pool = new EndpointPool({
    service: 's.S',
    source: 'the registry at r:1',
    connections: new Connections(factory),
    clock,
    random: seededRandom(1),
    balancing: DEFAULT_BALANCING,
    zone: '',
    healthCheck: false,
    policies,
    ...options,
  });
  const pickCandidate = (method: Method = safe, tried: readonly MethodCandidate[] = []) =>
    pool.pick(method, { hashKey: undefined, tried });
  const pick = (method?: Method, tried?: readonly MethodCandidate[]) => pickCandidate(method, tried)?.id;
  const share = (count: number, method?: Method) => {
    const counts: Record<string, number> = {};
    for (let index = 0; index < count; index += 1) {
      const name = pick(method) ?? 'none';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  const subchannel = (name: string): Subchannel => {
    const found = pool.instances.all.find(({ endpoint }) => endpoint.instanceId === name);
    if (found === undefined) throw new Error(`no instance is named ${name}`);
    return found;
  };
  /** An attempt at `at` ends with a refusal. */
  const refuse = (at: MethodCandidate, refusal: Refusal) => {
    pool.onBegin(at);
    pool.onEnd(at, { error: undefined, elapsedMs: 0, endedAt: clock.now(), endedBy: 'caller', refusal });
  };
  const candidate = (name: string, method: Method = safe) => subchannel(name).candidate(method.path);
  return { pool, at, clock, pickCandidate, pick, share, subchannel, candidate, refuse };
}
