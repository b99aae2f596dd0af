import { describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { endpoint } from '../../test/support/endpoints.js';
import { emptyReply, fakeTransports } from '../../test/support/fake-transport.js';
import { methodOf } from '../../test/support/method.js';
import { policies } from '../../test/support/policies.js';
import { makePool } from '../../test/support/pool.js';
import { wireCall } from '../../test/support/wire-call.js';
import { type Balancing, DEFAULT_BALANCING } from '../contract/balancing.js';
import type { Resolver } from '../resolver/resolver.js';
import { type Channel, type ChannelOptions, createChannel } from './channel.js';
import { viewEndpoints } from './service-view.js';

const add = methodOf('no_side_effects', { path: '/s.S/Add', name: 'Add' });
const divide = methodOf('no_side_effects', { path: '/s.S/Divide', name: 'Divide' });
const refusal = { reason: 'no such method', proven: true, foreign: false };

/** A service of two, the heavier of which has three quarters of the weight; and what is shown of each. */
function startService(balancing: Partial<Balancing>) {
  const settings = { ...DEFAULT_BALANCING, ...balancing };
  const made = makePool({ balancing: settings });
  const endpoints = [endpoint('light', { weight: 100 }), endpoint('heavy', { weight: 300 })];
  made.pool.onResolution({ endpoints, departed: [] });
  const call = (name: string, method = add) => {
    const candidate = made.candidate(name, method);
    made.pool.onBegin(candidate);
    return { end: () => made.pool.onEnd(candidate, { error: undefined, elapsedMs: 1, endedAt: made.clock.now() }) };
  };
  const view = (name: string) => {
    const found = viewEndpoints(made.pool.instances.all, settings).find(({ instanceId }) => instanceId === name);
    if (found === undefined) throw new Error(`${name} isn't shown`);
    return found;
  };
  const methodAt = (name: string, path: string) => view(name).methods.find((method) => method.path === path);
  return { ...made, call, view, methodAt };
}

describe('what is shown of an endpoint', () => {
  it('counts the calls that went there, and those under way, method by method and in all', () => {
    const { call, view, methodAt } = startService({});
    call('light').end();
    call('light');
    call('light', divide);
    expect(methodAt('light', '/s.S/Add')).toMatchObject({ picks: 2, inFlight: 1 });
    expect(methodAt('light', '/s.S/Divide')).toMatchObject({ picks: 1, inFlight: 1 });
    expect(view('light')).toMatchObject({ picks: 3, inFlight: 2 });
    expect(view('heavy')).toMatchObject({ picks: 0, inFlight: 0, methods: [] });
  });

  it.each([
    ['round_robin', 0.5],
    ['random', 0.5],
    ['weighted_round_robin', 0.75],
    ['least_request', 0.75],
    ['zone_aware', undefined],
  ] as const)('has the share that %s gives it', (policy, share) => {
    const { call, view } = startService({ policy });
    expect(view('heavy').share).toBeUndefined();
    for (const name of ['light', 'heavy']) call(name);
    expect(view('heavy').share).toBe(share);
  });

  it('is by the registered weights until a load is reported, as the picks are', () => {
    const { call, view, share } = startService({ policy: 'weighted_round_robin', weights: 'load' });
    for (const name of ['light', 'heavy']) call(name);
    expect(view('heavy').share).toBe(0.75);
    expect(share(400, add)['heavy']).toBe(300);
  });

  it.each([
    ['its percent, which canaries alike share', { a: undefined, b: undefined, x: '20', y: '20' }, [0.4, 0.4, 0.1, 0.1]],
    ['nothing, where it waits to be asked for', { a: undefined, x: '0', y: '5%' }, [1, 0, 0]],
    ['a part of all, where the percentages are more than that', { a: undefined, x: '100', y: '50' }, [0, 2 / 3, 1 / 3]],
    ['all, if there are no other instances', { x: '5' }, [1]],
    ['nothing, where all wait', { x: '0' }, [0]],
  ])('has as a canary %s', (_name, labels, shares) => {
    const { pool, call, view } = startService({});
    const endpoints = Object.entries(labels).map(([name, canary]) =>
      endpoint(name, { version: '2.0.0', metadata: { ...(canary !== undefined && { canary }) } }),
    );
    pool.onResolution({ endpoints, departed: ['light', 'heavy'] });
    for (const { instanceId } of endpoints) call(instanceId);
    const given = endpoints.map(({ instanceId }) => view(instanceId).share);
    for (const [index, share] of shares.entries()) expect(given[index]).toBeCloseTo(share, 10);
  });

  it('has no share of a method that it is set aside for, and the others have it', () => {
    const { call, view, methodAt, pool, candidate, refuse } = startService({});
    for (const method of [add, divide]) for (const name of ['light', 'heavy']) call(name, method);
    call('light', add);
    call('light', add);
    pool.onAnswer(candidate('light', add), false);
    refuse(candidate('light', divide), refusal);
    expect(methodAt('light', '/s.S/Divide')).toMatchObject({
      share: 0,
      held: expect.stringContaining('no such method'),
    });
    expect(methodAt('heavy', '/s.S/Divide')).toMatchObject({ share: 1, held: undefined });
    // Of seven calls, including the refused one, four were Add's.
    expect(view('light').share).toBeCloseTo((0.5 * 4 + 0 * 3) / 7, 10);
    expect(view('light')).toMatchObject({ held: undefined, leftOut: true });
    expect(view('heavy').leftOut).toBe(false);
  });

  it('is left out by what befell it, not by what it is meant for', () => {
    const { pool, view } = startService({});
    const canary = { version: '2.0.0', metadata: { canary: '0' } };
    const endpoints = [endpoint('light', canary), endpoint('heavy', { state: 'draining' })];
    pool.onResolution({ endpoints, departed: [] });
    expect(view('light')).toMatchObject({ held: expect.stringContaining('canary=0'), leftOut: false });
    expect(view('heavy')).toMatchObject({ held: 'draining', leftOut: false });
  });

  it('has no share where it is not connected', () => {
    const { call, view, at } = startService({});
    for (const name of ['light', 'heavy']) call(name);
    at('light:1').move('transient_failure', 'refused');
    expect(view('light')).toMatchObject({ share: 0, held: 'refused', leftOut: false, lastError: 'refused' });
    expect(view('heavy').share).toBe(1);
  });
});

/** A resolver of instances at addresses of their names, and a channel over it. */
function channelOf(names: readonly string[], options: Partial<ChannelOptions> & { byHand?: boolean } = {}) {
  const { byHand = false, ...rest } = options;
  const { factory, at } = fakeTransports({ byHand });
  const resolver: Resolver = {
    source: 'a list',
    resolve(_service, listener) {
      if (names.length > 0) listener.onResolution({ endpoints: names.map((name) => endpoint(name)), departed: [] });
      return { close() {} };
    },
    close() {},
  };
  const clock = new ManualClock();
  const channel = createChannel({ resolver, transport: factory, clock, random: seededRandom(1), ...rest });
  return { channel, at, clock };
}

const signal = new AbortController().signal;

async function chosen(channel: Channel, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 1) ids.push((await channel.choose(add, { signal })).instanceId);
  return ids;
}

describe('what a channel says of a service', () => {
  it('is how it is balanced, and who said so', () => {
    const { channel } = channelOf(['a'], { balancing: { 's.S': { policy: 'random', slowStartMs: 0 } } });
    channel.follow('s.S');
    channel.follow('s.T');
    const balancing = channel.inspect().map((view) => [view.service, view.balancing]);
    expect(balancing).toEqual([
      ['s.S', { policy: 'random', weights: 'static', slowStartMs: 0, subsetSize: undefined, origin: 'configuration' }],
      ['s.T', { ...DEFAULT_BALANCING, origin: 'default' }],
    ]);
  });

  it('is refused as the service is bound, where configuration and contract contradict each other', () => {
    const { channel } = channelOf(['a'], { policies, balancing: { '*': { policy: 'ring_hash' } } });
    expect(() => channel.follow('s.S', { balancing: DEFAULT_BALANCING, keyed: false })).toThrow(
      /^s\.S can't be balanced so: ring_hash/,
    );
    expect(channel.inspect()).toEqual([]);
  });

  it('is refused as the channel is made, where it is out of bounds', () => {
    expect(() => channelOf([], { balancing: { '*': { subsetSize: 0 } } })).toThrow(/^balancing: \*: a subset of 0/);
  });
});

describe('Channel.choose', () => {
  it('says whom calls would go to, in turn, and makes none', async () => {
    const { channel, at } = channelOf(['a', 'b', 'c']);
    let calls = 0;
    channel.follow('s.S');
    for (const name of ['a', 'b', 'c']) {
      at(`${name}:1`).call = async () => {
        calls += 1;
        return emptyReply;
      };
    }
    const ids = await chosen(channel, 9);
    expect(['a', 'b', 'c'].map((name) => ids.filter((id) => id === name).length)).toEqual([3, 3, 3]);
    expect(calls).toBe(0);
    expect(channel.inspect()[0]?.endpoints.map(({ picks, inFlight }) => [picks, inFlight])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('says of the next call where it then goes', async () => {
    const { channel } = channelOf(['a', 'b']);
    const [first] = await chosen(channel, 1);
    await channel.call(add, wireCall({ path: add.path }), { attempts: [] });
    const [third] = await chosen(channel, 1);
    expect(third).toBe(first);
  });

  it('waits for a connection that is being made', async () => {
    const { channel, at } = channelOf(['a'], { byHand: true });
    const choice = channel.choose(add, { signal });
    at('a:1').move('ready');
    expect(await choice).toEqual({ instanceId: 'a', address: 'a:1' });
  });

  it.each([
    ['an instance', ['a']],
    ['anything to be known', []],
  ])('waits for %s no longer than it is told, and holds nothing', async (_name, names) => {
    const { channel, clock } = channelOf(names, { byHand: true });
    const over = new AbortController();
    const choice = channel.choose(add, { signal: over.signal });
    over.abort();
    await expect(choice).rejects.toMatchObject({ codeName: 'CANCELLED' });
    expect(clock.timers).toBe(0);
  });
});
