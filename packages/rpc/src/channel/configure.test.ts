import { describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { endpoint, endpoints } from '../../test/support/endpoints.js';
import { emptyReply, fakeTransports } from '../../test/support/fake-transport.js';
import { methodOf } from '../../test/support/method.js';
import { failure } from '../../test/support/outcome.js';
import { policies } from '../../test/support/policies.js';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { wireCall } from '../../test/support/wire-call.js';
import { DEFAULT_SERVICE_POLICY } from '../contract/balancing.js';
import { LiveSettings } from '../live-config/live-settings.js';
import type { Endpoint, ResolverListener } from '../resolver/resolver.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { type ChannelOptions, createChannel } from './channel.js';

const settings = (values: Readonly<Record<string, string>>, service = 's.S') =>
  new LiveSettings(Object.entries(values).map(([key, value]) => ({ service, key, value }))).calls;

/** A channel to instances that all answer, and what each of them got. */
function makeChannel(of: readonly Endpoint[], balancing = {}, options: Partial<ChannelOptions> = {}) {
  const clock = new ManualClock();
  const { factory, at } = fakeTransports();
  const { logger, lines } = recordingLogger();
  let listener: ResolverListener | undefined;
  const resolver = {
    source: 'the test',
    resolve(_: string, to: ResolverListener) {
      listener = to;
      to.onResolution({ endpoints: of, departed: [] });
      return { close() {} };
    },
    close() {},
  };
  const random = seededRandom(1);
  const channel = createChannel({ resolver, transport: factory, clock, random, logger, balancing, ...options });
  const picked: string[] = [];
  for (const { address, instanceId } of of) {
    at(address).call = async () => {
      picked.push(instanceId);
      return emptyReply;
    };
  }
  const method = methodOf('unknown');
  const call = () => channel.call(method, wireCall(), { attempts: [] });
  const calls = async (count: number) => {
    picked.length = 0;
    for (let index = 0; index < count; index += 1) await call();
    return picked;
  };
  const resolve = (others: readonly Endpoint[]) => listener?.onResolution({ endpoints: others, departed: [] });
  return { channel, clock, call, calls, at, lines, resolve };
}

const canary = endpoint('new', { metadata: { canary: '0' } });

describe('the settings of a channel that is in use', () => {
  it('change the share of canaries at once, keep it over resolutions, and give it back', async () => {
    const { channel, calls, resolve } = makeChannel([...endpoints('a', 'b'), canary]);
    const share = async () => (await calls(1_000)).filter((id) => id === 'new').length;
    expect(await share()).toBe(0);
    channel.configure(settings({ canary_percent: '25' }));
    expect(Math.abs((await share()) - 250)).toBeLessThan(10);
    resolve([...endpoints('a', 'b'), endpoint('new', { metadata: { canary: '0' }, weight: 50 })]);
    expect(Math.abs((await share()) - 250)).toBeLessThan(10);
    channel.configure(settings({}));
    expect(await share()).toBe(0);
  });

  it('switch a breaker on and off', async () => {
    const { channel, call, at } = makeChannel(endpoints('a'), {}, { policies });
    await call();
    at('a:1').call = () => Promise.reject(new RpcError(Status.UNAVAILABLE, 'away', { origin: 'server' }));
    channel.configure(settings({ breaker: 'on?min_calls=2' }));
    for (let index = 0; index < 2; index += 1) await failure(call());
    expect((await failure(call())).message).toContain('the breaker of s.S/M is open');
    channel.configure(settings({}));
    expect((await failure(call())).message).not.toContain('breaker');
    expect(channel.inspect()[0]?.guards).toEqual([]);
  });

  it('change the balancing, over that of the options', async () => {
    const weighted = [endpoint('a', { weight: 100 }), endpoint('b', { weight: 300 })];
    const { channel, clock, calls } = makeChannel(weighted, { 's.S': { policy: 'round_robin', slowStartMs: 0 } });
    await clock.advance(1);
    expect((await calls(400)).filter((id) => id === 'b')).toHaveLength(200);
    channel.configure(settings({ balancing: 'weighted_round_robin?slow_start=0s' }));
    expect(Math.abs((await calls(400)).filter((id) => id === 'b').length - 300)).toBeLessThan(5);
    expect(channel.inspect()[0]?.balancing.policy).toBe('weighted_round_robin');
    channel.configure(settings({}));
    expect((await calls(400)).filter((id) => id === 'b')).toHaveLength(200);
  });

  it('have no effect if they contradict the contract', async () => {
    const { channel, calls, lines } = makeChannel(endpoints('a', 'b'), {}, { policies });
    channel.follow('s.S', { ...DEFAULT_SERVICE_POLICY, keyed: false });
    channel.configure(settings({ balancing: 'ring_hash' }));
    expect(await calls(4)).toHaveLength(4);
    expect(channel.inspect()[0]?.balancing.policy).toBe('round_robin');
    expect(lines).toMatchObject([
      { level: 'warn', message: 'the setting balancing has no effect: it contradicts the contract' },
    ]);
  });
});

describe('live settings', () => {
  it('leave out what another version of the registry may keep, and what is deleted', () => {
    const live = new LiveSettings([
      { service: 'a.B', key: 'of_the_future', value: '1' },
      { service: 'a.B', key: 'log_level', value: 'loud' },
      { service: 'a.C', key: 'log_level', value: undefined },
      { service: '*', key: 'log_level', value: 'warn' },
    ]);
    expect(live.byService('log_level')).toEqual({ '*': 'warn' });
    expect([live.of('log_level', 'a.B'), live.of('breaker', 'a.B')]).toEqual(['warn', undefined]);
  });
});
