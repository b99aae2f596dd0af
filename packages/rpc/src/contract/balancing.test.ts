import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { BalancingPolicy, type HashKey, ServicePolicy, WeightSource } from '@rondo/contracts/rondo/options/v1/options';
import { encodedPolicy, METHOD_TAG, prefixed } from '../../test/support/contract.js';
import type { MethodDefinition } from './definition.js';
import { methodsOf } from './method.js';
import { SERVICE_TAG, servicePolicyOf } from './policy.js';

/** A service with one method, and its options as the generator leaves them. */
function service(
  balancing: Parameters<typeof ServicePolicy.fromPartial>[0]['balancing'],
  { source, from = 'unary' }: { source?: HashKey['source']; from?: 'unary' | 'clientStream' } = {},
) {
  const ofService = prefixed(ServicePolicy.encode(ServicePolicy.fromPartial({ balancing })).finish());
  const policy = source === undefined ? {} : { hashKey: { source } };
  const ofMethod = encodedPolicy(policy);
  const method: MethodDefinition = {
    ...ConformanceServiceDefinition.methods[from],
    options: { _unknownFields: { [METHOD_TAG]: [ofMethod], [SERVICE_TAG]: [ofService] } },
  };
  return { name: 'S', fullName: 's.S', methods: { call: method } };
}

describe('the balancing in a contract', () => {
  it('is round robin by default', () => {
    const plain = { policy: 'round_robin', weights: 'static', slowStartMs: 10_000, subsetSize: undefined };
    expect(servicePolicyOf(service(undefined))).toEqual({ balancing: plain, keyed: false });
    expect(servicePolicyOf(service({}))).toEqual({ balancing: plain, declared: true, keyed: false });
  });

  it('is read with its settings, and whether calls have keys', () => {
    const definition = service(
      {
        policy: BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN,
        weights: WeightSource.WEIGHT_SOURCE_LOAD,
        slowStart: { seconds: 2n, nanos: 500_000_000 },
        subsetSize: 20,
      },
      { source: { $case: 'field', value: 'text' } },
    );
    const balancing = { policy: 'weighted_round_robin', weights: 'load', slowStartMs: 2_500, subsetSize: 20 };
    expect(servicePolicyOf(definition)).toEqual({ balancing, declared: true, keyed: true });
  });

  it.each([
    [
      'a slow start of more than an hour',
      { slowStart: { seconds: 3_600n, nanos: 1 } },
      /a slow start of 3600000\.\d+ ms/,
    ],
    ['a slow start of less than nothing', { slowStart: { seconds: -1n, nanos: 0 } }, /a slow start of -1000 ms/],
    ['a subset of more than 10,000', { subsetSize: 10_001 }, /a subset of 10001/],
    ['a subset of less than nobody', { subsetSize: -1 }, /a subset of -1/],
    [
      'a balance factor of less than all',
      { policy: BalancingPolicy.BALANCING_POLICY_RING_HASH, hashBalanceFactor: 99 },
      /a hash balance factor of 99 is not/,
    ],
  ])('is refused if it has %s', (_name, balancing, fault) => {
    const read = () => servicePolicyOf(service(balancing));
    expect(read).toThrow(TypeError);
    expect(read).toThrow(/^s\.S: \(rondo\.options\.v1\.service\)\.balancing: /);
    expect(read).toThrow(fault);
  });

  it.each([
    ['policy', [0x0a, 2, 0x08, 77]],
    ['weights', [0x0a, 2, 0x10, 77]],
  ])('is refused if its %s is that of a later version', (what, bytes) => {
    const definition = service({});
    const options = { _unknownFields: { [SERVICE_TAG]: [prefixed(Uint8Array.from(bytes))] } };
    const method = { ...definition.methods.call, options };
    expect(() => servicePolicyOf({ ...definition, methods: { call: method } })).toThrow(
      new RegExp(`^s\\.S: .*: this version doesn't know ${what} 77$`),
    );
  });
});

describe('the key of a method', () => {
  const methodOf = (source: HashKey['source'], from?: 'unary' | 'clientStream') =>
    methodsOf(service(undefined, { source, ...(from && { from }) })).get('call');

  it('is a field by its name in code, or metadata', () => {
    expect(methodOf({ $case: 'field', value: 'project.owner_id' })?.policy.hashKey).toEqual({
      from: 'field',
      path: ['project', 'ownerId'],
    });
    expect(methodOf({ $case: 'metadata', value: 'x-tenant' }, 'clientStream')?.policy.hashKey).toEqual({
      from: 'metadata',
      key: 'x-tenant',
    });
  });

  it.each(['X-Tenant', 'grpc-timeout', 'tenant-bin', 'x tenant', ''])('is no metadata called "%s"', (value) => {
    expect(() => methodOf({ $case: 'metadata', value })).toThrow(/^\/s\.S\/Unary: .*hash_key names the metadata key "/);
  });

  it.each(['', 'a..b', '.a'])('is no field called "%s"', (value) => {
    expect(() => methodOf({ $case: 'field', value })).toThrow(/^\/s\.S\/Unary: .*hash_key names no field$/);
  });

  it('is no field of a stream', () => {
    expect(() => methodOf({ $case: 'field', value: 'text' }, 'clientStream')).toThrow(
      /hash_key names a field of the request, which is a stream here; name a metadata key instead$/,
    );
  });
});
