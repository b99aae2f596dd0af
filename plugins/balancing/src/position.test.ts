import { describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { type ChannelOptions, createChannel, type Endpoint, type Resolver } from '@rondo/rpc/client';
import { DEFAULT_SERVICE_POLICY, type ResolverListener } from '@rondo/rpc/internal';
import { endpoint, endpoints } from '../../../packages/rpc/test/support/endpoints.js';
import { fakeTransports } from '../../../packages/rpc/test/support/fake-transport.js';
import { balancing as policies } from './exports/index.js';
import { followPosition } from './position.js';
import { positionAmong } from './subset.js';

const SELF = { service: 'own.S', instanceId: 'c1' };
const NAMES = ['c1', 'c2', 'c3', 'c4', 'c5'];

/** A resolver that a test speaks for. */
function scripted() {
  const listeners = new Map<string, ResolverListener>();
  const closed: string[] = [];
  const resolver: Resolver = {
    source: 'a script',
    resolve(service, listener) {
      listeners.set(service, listener);
      return { close: () => closed.push(service) };
    },
    close() {},
  };
  const tell = (service: string, list: readonly Endpoint[]) =>
    listeners.get(service)?.onResolution({ endpoints: list, departed: [] });
  return { resolver, tell, closed, followed: () => [...listeners.keys()] };
}

async function makePosition({ self, zone = '' }: Pick<ChannelOptions, 'self' | 'zone'> = {}) {
  const { resolver, tell, closed, followed } = scripted();
  let changes = 0;
  const onChange = () => {
    changes += 1;
  };
  const position = followPosition({ resolver, self, random: seededRandom(1), zone, onChange });
  await Promise.resolve();
  return { position, tell, closed, followed, changes: () => changes };
}

describe('the position of a client', () => {
  it('is a random one that stays, where it is no instance of anything', async () => {
    const { position, followed } = await makePosition();
    const first = position.of('all');
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first).toBeLessThan(1);
    expect(position.of('all')).toBe(first);
    expect(followed()).toEqual([]);
  });

  it('is its place among the instances of its service, once they are known', async () => {
    const { position, tell, changes, closed } = await makePosition({ self: Promise.resolve(SELF) });
    const before = position.of('all');
    tell('own.S', endpoints(...NAMES));
    expect(position.of('all')).toBe(positionAmong('c1', NAMES));
    expect(position.of('all')).not.toBe(before);
    tell('own.S', endpoints(...NAMES));
    expect(changes()).toBe(1);
    tell('own.S', endpoints(...NAMES, 'c6'));
    expect(changes()).toBe(2);
    position.close();
    expect(closed).toEqual(['own.S']);
  });

  it('is its place among those of its zone, where zones matter', async () => {
    const { position, tell } = await makePosition({ self: SELF, zone: 'eu/a' });
    const peers = NAMES.map((name, index) => endpoint(name, { zone: index < 2 ? 'eu/a' : 'eu/b' }));
    tell('own.S', peers);
    expect(position.of('zone')).toBe(positionAmong('c1', ['c1', 'c2']));
    expect(position.of('all')).toBe(positionAmong('c1', NAMES));
  });

  it('is not looked for any more once the channel was closed', async () => {
    const { resolver, followed } = scripted();
    const options = { resolver, self: Promise.resolve(SELF), random: seededRandom(1), zone: '' };
    followPosition({ ...options, onChange() {} }).close();
    await Promise.resolve();
    expect(followed()).toEqual([]);
  });
});

describe('a channel', () => {
  const REPLICAS = endpoints(...Array.from({ length: 40 }, (_, index) => `i${index}`));
  const balancing = { ...DEFAULT_SERVICE_POLICY.balancing, subsetSize: 8 };

  function makeChannel(instanceId: string) {
    const { resolver, tell, closed, followed } = scripted();
    const self = { service: 'own.S', instanceId };
    const { factory: transport } = fakeTransports();
    const clock = new ManualClock();
    const channel = createChannel({ resolver, transport, policies, clock, random: seededRandom(1), self });
    const connected = () => {
      const [view] = channel.inspect();
      return view?.endpoints.filter(({ state }) => state === 'ready').map((one) => one.instanceId) ?? [];
    };
    return { channel, tell, closed, followed, connected };
  }

  it('of each instance of a service connects to as many, and all of them together to each as often', async () => {
    const all: string[] = [];
    for (const name of NAMES) {
      const { channel, tell, closed, connected } = makeChannel(name);
      channel.follow('s.S', { balancing });
      await Promise.resolve();
      tell('s.S', REPLICAS);
      tell('own.S', endpoints(...NAMES));
      expect(connected()).toHaveLength(8);
      all.push(...connected());
      channel.close();
      expect(closed.sort()).toEqual(['own.S', 's.S']);
    }
    expect(new Set(all).size).toBe(40);
  });

  it('follows its own service only where it uses a part of another', async () => {
    const { channel, followed } = makeChannel('c1');
    channel.follow('s.S');
    await Promise.resolve();
    expect(followed()).toEqual(['s.S']);
    channel.close();
  });
});
