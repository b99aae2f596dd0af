import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { PinnedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/pinned';
import { withPolicy } from '../../test/support/contract.js';
import { emptyReply, fakeTransports } from '../../test/support/fake-transport.js';
import { methodOf } from '../../test/support/method.js';
import { failure } from '../../test/support/outcome.js';
import { policies } from '../../test/support/policies.js';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { wireCall } from '../../test/support/wire-call.js';
import { createClient } from '../client/create-client.js';
import { DEFAULT_BALANCING, DEFAULT_SERVICE_POLICY } from '../contract/balancing.js';
import { LiveSettings } from '../live-config/live-settings.js';
import { staticResolver } from '../resolver/static.js';
import { Status } from '../status/code.js';
import { createTestChannel } from '../testing/test-channel.js';
import { type ChannelOptions, createChannel } from './channel.js';

const REMEDY =
  ": this needs the plugin @rondo/balancing: run `rondo add balancing`, which adds it to the dependencies and to runService's plugins; " +
  'a channel of your own takes it as the option policies';
const { methods } = ConformanceServiceDefinition;
const contractWith = (policy: Parameters<typeof withPolicy>[1]) => ({
  ...ConformanceServiceDefinition,
  methods: { unary: withPolicy(methods.unary, policy) },
});
const OPTIONS = [
  ['hedge', { hedge: {} }],
  ['breaker', { breaker: {} }],
  ['bulkhead', { bulkhead: { maxCalls: 1 } }],
] as const;

function makeChannel(options: Partial<ChannelOptions> = {}) {
  const { factory, at } = fakeTransports();
  const { logger, lines } = recordingLogger();
  const channel = createChannel({ resolver: staticResolver(['a:1']), transport: factory, logger, ...options });
  at('a:1').call = async () => emptyReply;
  const call = (fields: Parameters<typeof methodOf>[1] = {}) =>
    channel.call(methodOf('idempotent', fields), wireCall(), { attempts: [] });
  return { channel, call, lines };
}

describe('a channel without the plugin', () => {
  it.each(OPTIONS)('makes no client of a contract with a %s, and names the option and the command', (name, policy) => {
    const { channel } = makeChannel();
    expect(() => createClient(contractWith(policy), { channel })).toThrow(
      `(rondo.options.v1.method).${name} of rondo.conformance.v1.ConformanceService/Unary${REMEDY}`,
    );
    expect(() => createClient(contractWith(policy), { channel, at: 'other.v1.Service' })).toThrow(
      `(rondo.options.v1.method).${name} of other.v1.Service/Unary`,
    );
  });

  it('makes no client of a contract that is balanced by a policy of the plugin', () => {
    const { channel } = makeChannel();
    expect(() => createClient(PinnedServiceDefinition, { channel })).toThrow(
      `(rondo.options.v1.service).balancing, ring_hash, of rondo.conformance.v1.PinnedService${REMEDY}`,
    );
    expect(() => createClient(PinnedServiceDefinition, { channel: createTestChannel({ services: [] }) })).toThrow(
      REMEDY,
    );
    const own = createTestChannel({ services: [], policies });
    expect(() => createClient(PinnedServiceDefinition, { channel: own })).not.toThrow();
    own.close();
  });

  it('fails the calls of a contract that it meets later, without an attempt', async () => {
    const { channel, call } = makeChannel();
    const { policy } = methodOf('idempotent');
    const hedged = await failure(call({ policy: { ...policy, hedge: { delayMs: 5 } } }));
    expect(hedged).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message: expect.stringContaining('hedge of s.S/M'),
    });
    await call();
    for (const balancing of [
      { ...DEFAULT_BALANCING, policy: 'zone_aware' as const },
      { ...DEFAULT_BALANCING, subsetSize: 3 },
    ]) {
      expect(() => channel.follow('s.T', { balancing })).toThrow(REMEDY);
      await expect(channel.ownerOf(PinnedServiceDefinition, 'a')).rejects.toMatchObject({
        code: Status.FAILED_PRECONDITION,
      });
    }
  });

  it('needs none for a hash_key, which has no effect', async () => {
    const { call } = makeChannel();
    const { policy } = methodOf('idempotent');
    await call({ policy: { ...policy, hashKey: { from: 'metadata', key: 'k' } } });
  });

  it.each([
    ['balancing of *, ring_hash', { balancing: { '*': { policy: 'ring_hash' } } }],
    ['balancing of s.S, subset_size 2', { balancing: { 's.S': { subsetSize: 2 } } }],
    ['breaker of s.S', { breakers: { 's.S': {} } }],
    ['bulkhead of s.S/M', { bulkheads: { 's.S/M': { maxCalls: 1 } } }],
  ] as const)('is not made with the option %s', (text, options) => {
    expect(() => makeChannel(options)).toThrow(`the setting ${text}: `);
    expect(() => makeChannel({ ...options, policies })).not.toThrow();
  });

  it('is made with options that only switch off', () => {
    expect(() => makeChannel({ breakers: { '*': 'off' }, balancing: { '*': { policy: 'random' } } })).not.toThrow();
  });

  it('ignores the live settings that need the plugin, with one warning, and lists them', async () => {
    const { channel, call, lines } = makeChannel();
    channel.follow('s.S', DEFAULT_SERVICE_POLICY);
    const setting = (service: string, key: string, value: string) => ({ service, key, value });
    const plugged = [setting('s.S', 'balancing', 'ring_hash'), setting('*', 'breaker', 'on')];
    for (const more of [[], [setting('s.T', 'balancing', 'least_request')]]) {
      channel.configure(new LiveSettings([...plugged, ...more]).calls);
    }
    await call();
    expect(channel.inspect()[0]?.balancing.policy).toBe('round_robin');
    expect(channel.ignoredSettings).toEqual(['balancing of s.S, ring_hash', 'breaker of *']);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
    channel.follow('s.T');
    expect(channel.inspect()[1]?.balancing.policy).toBe('least_request');
    channel.configure(new LiveSettings([]).calls);
    expect(channel.ignoredSettings).toEqual([]);
  });
});
