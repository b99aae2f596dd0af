import { afterEach, expect, it } from '@jest/globals';
import { checkZone } from '../resolver/endpoint.js';
import {
  configuredBalancing,
  configuredBreakers,
  configuredBulkheads,
  configuredReplyLimit,
  configuredTransport,
  defaultChannel,
  registryAddresses,
} from './default-channel.js';
import { createRegistryChannel } from './registry-channel.js';

afterEach(() => {
  delete process.env['RONDO_ZONE'];
});

it.each([
  ['nothing', undefined, ['127.0.0.1:50050']],
  ['an empty value', ' ', ['127.0.0.1:50050']],
  ['one', 'r:1', ['r:1']],
  ['several, with spaces and a comma too many', ' r:1, r:2,', ['r:1', 'r:2']],
])('the registry of the default channel is read from %s', (_name, list, addresses) => {
  expect(registryAddresses(list)).toEqual(addresses);
});

it('refuses at once a registry of another kind, and says how to call by it', () => {
  process.env['RONDO_REGISTRY'] = 'consul://user:pass,word@127.0.0.1:8500';
  const message =
    'the registry consul://(hidden)@127.0.0.1:8500 is of another kind: give await openRegistry() of @rondo/service/registration as the option registry of createRegistryChannel or registerServer';
  try {
    expect(defaultChannel).toThrow(new Error(message));
    expect(() => createRegistryChannel({ registry: [process.env['RONDO_REGISTRY'] ?? ''] })).toThrow(message);
  } finally {
    delete process.env['RONDO_REGISTRY'];
  }
});

it('refuses a zone that is none, and says what one is', () => {
  process.env['RONDO_ZONE'] = 'eu-west';
  const message =
    'RONDO_ZONE="eu-west": where a process runs is written region/zone, at most 128 characters, such as eu-west/a';
  expect(defaultChannel).toThrow(new TypeError(message));
});

it.each(['/a', 'eu/', 'eu /a', 'eu/a/b', `eu/${'a'.repeat(126)}`])('%p is no zone', (zone) => {
  expect(() => checkZone(zone, 'zone')).toThrow(TypeError);
});

it('refuses a reply limit that is none', () => {
  process.env['RONDO_MAX_REPLY_BYTES'] = 'much';
  try {
    expect(defaultChannel).toThrow('RONDO_MAX_REPLY_BYTES=much');
  } finally {
    delete process.env['RONDO_MAX_REPLY_BYTES'];
  }
});

it('knows of the zone that the environment says', () => {
  process.env['RONDO_ZONE'] = ' eu-west/a ';
  const channel = defaultChannel();
  expect(channel.zone).toBe('eu-west/a');
  channel.close();
});

it('the balancing of the default channel is what RONDO_BALANCING says, or nothing', () => {
  expect(configuredBalancing(undefined)).toEqual({});
  expect(configuredBalancing(' ')).toEqual({});
  expect(configuredBalancing('a.B=random')).toEqual({ 'a.B': { policy: 'random' } });
  expect(() => configuredBalancing('a.B=rnd,C=random')).toThrow(
    /^RONDO_BALANCING=a\.B=rnd,C=random: a\.B: there is no policy "rnd": .*; C: a service is written in full/,
  );
});

it('the longest reply of the default channel is what RONDO_MAX_REPLY_BYTES says, or the default', () => {
  expect(configuredReplyLimit(undefined)).toBeUndefined();
  expect(configuredReplyLimit(' ')).toBeUndefined();
  expect(configuredReplyLimit(' 16777216 ')).toBe(16_777_216);
  for (const wrong of ['0', '-1', '1.5', '16MiB', '2147483648', '1e3']) {
    const message = `RONDO_MAX_REPLY_BYTES=${wrong}: give a whole number of bytes from 1 to 2147483647`;
    expect(() => configuredReplyLimit(wrong)).toThrow(new TypeError(message));
  }
});

it('how unary calls travel is what RONDO_TRANSPORT says, or through tunnels', () => {
  expect([configuredTransport(undefined), configuredTransport(' ')]).toEqual(['tunnel', 'tunnel']);
  expect(configuredTransport(' grpc ')).toBe('grpc');
  expect(() => configuredTransport('http')).toThrow('RONDO_TRANSPORT=http: give tunnel or grpc');
});

it('breakers and bulkheads are what RONDO_BREAKER and RONDO_BULKHEAD say', () => {
  expect([configuredBreakers(), configuredBulkheads(' ')]).toEqual([{}, {}]);
  expect(configuredBreakers('a.B=on?probes=1')).toEqual({ 'a.B': { probes: 1 } });
  expect(configuredBulkheads('*=off')).toEqual({ '*': 'off' });
  expect(() => configuredBreakers('a.B')).toThrow('RONDO_BREAKER=a.B: "a.B" is not service=on or service=off');
  expect(() => configuredBulkheads('a.B=on')).toThrow('RONDO_BULKHEAD=a.B=on: a.B: on needs max_calls');
});
