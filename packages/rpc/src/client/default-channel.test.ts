import { afterEach, expect, it } from '@jest/globals';
import { checkZone } from '../resolver/endpoint.js';
import { configuredBalancing, configuredTransport, defaultChannel, registryAddresses } from './default-channel.js';
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

it('how calls travel is what RONDO_TRANSPORT says, or by frames', () => {
  expect([configuredTransport(undefined), configuredTransport(' ')]).toEqual(['frames', 'frames']);
  expect(configuredTransport(' grpc ')).toBe('grpc');
  expect(configuredTransport('tunnel')).toBe('tunnel');
  expect(() => configuredTransport('http')).toThrow('RONDO_TRANSPORT=http: give frames or grpc or tunnel');
});
