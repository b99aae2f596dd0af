import { describe, expect, it } from '@jest/globals';
import {
  Instance,
  InstanceStatus,
  OperatorState,
  Protocol,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { endpoint } from '../../test/support/endpoints.js';
import { isAddress, toEndpoint } from './endpoint.js';

type Listed = Parameters<typeof Instance.fromPartial>[0];

const PLAIN = { address: 'a:1', protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT };

function endpointOf(listed: Listed) {
  const status = InstanceStatus.INSTANCE_STATUS_SERVING;
  return toEndpoint(Instance.fromPartial({ instanceId: 'a', endpoints: [PLAIN], zone: 'eu/1', status, ...listed }));
}

describe('an instance as a client sees it', () => {
  it('has its address and its state', () => {
    expect(endpointOf({})).toEqual(endpoint('a', { zone: 'eu/1', services: [], fingerprints: {} }));
  });

  it('has its weight, its version, its labels and its start time', () => {
    const said = { weight: 400, version: '2.1.0', metadata: { track: 'canary' }, incarnation: 1_700_000_000_000n };
    expect(endpointOf(said)).toMatchObject({ ...said, incarnation: 1_700_000_000_000 });
  });

  it.each([
    [0, 100],
    [-1, 100],
    [1, 1],
    [5_000, 1_000],
  ])('with weight %d counts as %d', (weight, expected) => {
    expect(endpointOf({ weight })?.weight).toBe(expected);
  });

  it('has its services and the fingerprints of their contracts, no more and no longer than a registry accepts', () => {
    expect(endpointOf({ services: ['a.A', 'b.B'], fingerprints: { 'a.A': 'f1' } })).toMatchObject({
      services: ['a.A', 'b.B'],
      fingerprints: { 'a.A': 'f1' },
    });
    const names = Array.from({ length: 70 }, (_, index) => `s.S${index}`);
    const fingerprints = Object.fromEntries(names.map((name) => [name, 'f']));
    const most = endpointOf({ services: names, fingerprints });
    expect(most?.services).toHaveLength(64);
    expect(Object.keys(most?.fingerprints ?? {})).toHaveLength(64);
    const long = 'x'.repeat(300);
    expect(endpointOf({ services: [long, ''], fingerprints: { [long]: 'f', 'a.A': long } })).toMatchObject({
      services: [],
      fingerprints: {},
    });
  });

  it('has the times at which it and its services registered, of no more services than a registry accepts', () => {
    const [registerTime, earlier] = [new Date(2_000), new Date(1_000)];
    expect(endpointOf({ registerTime, serviceTimes: { 'a.A': earlier } })).toMatchObject({
      registerTimeMs: 2_000,
      serviceTimesMs: { 'a.A': 1_000 },
    });
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`s.S${index}`, earlier]));
    const most = endpointOf({ registerTime, serviceTimes: { ...many, [`${'x'.repeat(300)}`]: earlier } });
    expect(Object.keys(most?.serviceTimesMs ?? {})).toHaveLength(64);
    expect(endpointOf({})).not.toHaveProperty('registerTimeMs');
  });

  it('has no more labels than a registry accepts', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, 'v']));
    expect(Object.keys(endpointOf({ metadata: many })?.metadata ?? {})).toHaveLength(32);
    expect(endpointOf({ metadata: { long: 'x'.repeat(600) } })?.metadata).toEqual({});
  });

  it.each([
    ['starting', { status: InstanceStatus.INSTANCE_STATUS_STARTING }],
    ['draining', { status: InstanceStatus.INSTANCE_STATUS_DRAINING }],
    ['cordoned', { operatorState: OperatorState.OPERATOR_STATE_CORDONED }],
    ['cordoned', { status: 2, operatorState: OperatorState.OPERATOR_STATE_CORDONED }],
    ['serving', { operatorState: OperatorState.OPERATOR_STATE_NONE }],
    ['starting', { status: 99 as InstanceStatus }],
    ['starting', { status: InstanceStatus.UNRECOGNIZED }],
    ['serving', { operatorState: 99 as OperatorState }],
  ])('is %s for %j', (state, listed: Listed) => {
    expect(endpointOf(listed)).toMatchObject({ state });
  });

  it.each<[string, Listed['endpoints']]>([
    ['another protocol', [{ ...PLAIN, address: 'x:1', protocols: [77 as Protocol] }, PLAIN]],
    ['TLS', [{ ...PLAIN, address: 'x:1', security: Security.SECURITY_TLS }, PLAIN]],
    ['a security that is unknown here', [{ ...PLAIN, address: 'x:1', security: 77 as Security }, PLAIN]],
    ['no address', [{ ...PLAIN, address: 'nowhere' }, PLAIN]],
    ['a second choice', [PLAIN, { ...PLAIN, address: 'x:1' }]],
    ['no protocols', [{ address: 'a:1', security: Security.SECURITY_PLAINTEXT }]],
  ])('is at the first endpoint that the client can call, next to %s', (_name, endpoints) => {
    expect(endpointOf({ endpoints: endpoints ?? [] })).toMatchObject({ address: 'a:1' });
  });

  it('is left out if the client can call no endpoint of it, or it has no id', () => {
    expect(endpointOf({ endpoints: [{ ...PLAIN, security: Security.SECURITY_TLS }] })).toBeUndefined();
    expect(endpointOf({ endpoints: [] })).toBeUndefined();
    expect(endpointOf({ instanceId: '' })).toBeUndefined();
  });

  it.each([
    [{ seconds: 1n, nanos: 500_000_000 }, 1_500],
    [{ seconds: 0n, nanos: 0 }, undefined],
    [{ seconds: -9n, nanos: 0 }, undefined],
  ])('has its ping interval: %j is %s ms', (minPingInterval, expected) => {
    expect(endpointOf({ endpoints: [{ ...PLAIN, minPingInterval }] })?.minPingIntervalMs).toBe(expected);
  });
});

describe('an address', () => {
  it.each(['a:1', '127.0.0.1:50051', '[::1]:50051', 'sales-1.internal_x:65535', 'unix:/run/a.sock'])(
    'is %s',
    (text) => {
      expect(isAddress(text)).toBe(true);
    },
  );

  it.each(['', 'a', ':1', 'a:0', 'a:65536', 'a:1x', 'http://a:1', 'a b:1', '::1:1', 'unix:', `${'x'.repeat(254)}:1`])(
    'is not %j',
    (text) => expect(isAddress(text)).toBe(false),
  );
});
