import { EndpointGroup, type EndpointGroupOptions } from '../../src/channel/endpoint-pool.js';
import type { Member } from '../../src/channel/subchannel.js';
import type { Target } from '../../src/channel/method-subchannel.js';
import { DEFAULT_BALANCING, type Method } from '../../src/contract/index.js';
import { ManualClock, seededRandom } from '../../src/testing/index.js';
import { fakeTransports } from './fake-transport.js';
import { methodOf } from './method.js';

const safe = methodOf('no_side_effects');

/** What a test sets of its group. */
export type GroupOptions = { byHand?: boolean } & Partial<EndpointGroupOptions>;

/** A group over connections that a test moves, with a clock that it holds. */
export function makeGroup({ byHand = false, ...options }: GroupOptions = {}) {
  const { factory, at } = fakeTransports({ byHand });
  const clock = new ManualClock();
  const group = new EndpointGroup({
    service: 's.S',
    source: 'the registry at r:1',
    transport: factory,
    clock,
    random: seededRandom(1),
    balancing: DEFAULT_BALANCING,
    zone: '',
    healthCheck: false,
    ...options,
  });
  const pickTarget = (method: Method = safe, tried: readonly Target[] = []) =>
    group.pick(method, { hashKey: undefined, tried });
  const pick = (method?: Method, tried?: readonly Target[]) => pickTarget(method, tried)?.id;
  const share = (count: number, method?: Method) => {
    const counts: Record<string, number> = {};
    for (let index = 0; index < count; index += 1) {
      const name = pick(method) ?? 'nobody';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  const member = (name: string): Member => {
    const found = group.members.find(({ endpoint }) => endpoint.instanceId === name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found;
  };
  const target = (name: string, method: Method = safe) => member(name).target(method.path);
  return { group, at, clock, pickTarget, pick, share, member, target };
}
