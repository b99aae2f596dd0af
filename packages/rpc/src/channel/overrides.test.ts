import { describe, expect, it } from '@jest/globals';
import { type Balancing, DEFAULT_BALANCING, DEFAULT_SERVICE_POLICY } from '../contract/balancing.js';
import { acceptOverrides, balancingOf } from './overrides.js';

const weighed: Balancing = {
  policy: 'weighted_round_robin',
  weights: 'load',
  slowStartMs: 30_000,
  subsetSize: 20,
  hashBalanceFactor: undefined,
};
const contract = { balancing: weighed, declared: true, keyed: true };

describe('balancingOf', () => {
  it('is the default if neither the contract nor the configuration says otherwise', () => {
    expect(balancingOf('a.B', DEFAULT_SERVICE_POLICY, { 'a.C': { policy: 'random' } })).toEqual({
      balancing: DEFAULT_BALANCING,
      origin: 'default',
    });
  });

  it("is the contract's, as far as the configuration doesn't say otherwise", () => {
    expect(balancingOf('a.B', contract, {})).toEqual({ balancing: weighed, origin: 'contract' });
    expect(balancingOf('a.B', contract, { 'a.B': { slowStartMs: 0 } })).toEqual({
      balancing: { ...weighed, slowStartMs: 0 },
      origin: 'configuration',
    });
  });

  it('is the one of its own entry, and else the one for all', () => {
    const overrides = { 'a.B': { policy: 'least_request' }, '*': { policy: 'random' } } as const;
    expect(balancingOf('a.B', contract, overrides).balancing.policy).toBe('least_request');
    expect(balancingOf('a.C', contract, overrides).balancing.policy).toBe('random');
    // A name that every object has isn't an entry.
    expect(balancingOf('toString', contract, {}).origin).toBe('contract');
  });

  it('keeps the weights of the contract for its own policy alone', () => {
    expect(balancingOf('a.B', contract, { '*': { policy: 'least_request' } }).balancing).toEqual({
      ...weighed,
      policy: 'least_request',
      weights: 'static',
    });
    expect(balancingOf('a.B', contract, { '*': { policy: 'weighted_round_robin' } }).balancing.weights).toBe('load');
  });

  it("refuses a ring over the contract's subset, which the configuration can take back", () => {
    expect(() => balancingOf('a.B', contract, { 'a.B': { policy: 'ring_hash' } })).toThrow(
      /^a\.B can't be balanced so: ring_hash takes no subset/,
    );
    const taken = { 'a.B': { policy: 'ring_hash', subsetSize: undefined } } as const;
    expect(balancingOf('a.B', contract, taken).balancing).toMatchObject({ policy: 'ring_hash', subsetSize: undefined });
  });

  it('gives ring_hash a slow start only if loads are bounded, and takes the bound from the contract', () => {
    const bounded = { balancing: { ...DEFAULT_BALANCING, policy: 'ring_hash', hashBalanceFactor: 150 } } as const;
    expect(balancingOf('a.B', bounded, {}).balancing).toEqual(bounded.balancing);
    const off = { 'a.B': { hashBalanceFactor: undefined } };
    expect(balancingOf('a.B', bounded, off).balancing).toMatchObject({ policy: 'ring_hash', slowStartMs: 0 });
    const other = { 'a.B': { policy: 'random' } } as const;
    expect(balancingOf('a.B', bounded, other).balancing).toEqual({ ...DEFAULT_BALANCING, policy: 'random' });
  });

  it('refuses ring hash if no method has a key; if that is unknown, calls go anywhere', () => {
    const ring = { '*': { policy: 'ring_hash' } } as const;
    expect(() => balancingOf('a.B', { balancing: DEFAULT_BALANCING, keyed: false }, ring)).toThrow(
      /^a\.B can't be balanced so: .*no method of its contract says what its key is: give one a .*hash_key/,
    );
    expect(balancingOf('a.B', DEFAULT_SERVICE_POLICY, ring).balancing.policy).toBe('ring_hash');
  });
});

it('what code says is held to its bounds: all faults at once', () => {
  expect(() => acceptOverrides({ 'a.B': { subsetSize: 0 }, '*': { slowStartMs: -1 } })).toThrow(
    'balancing: a.B: a subset of 0 is not a whole number from 1 to 10,000; *: a slow start of -1 ms is not from 0 s to 1 h',
  );
});

it('names a policy that only plain JavaScript can get wrong', () => {
  const overrides = JSON.parse('{"a.B":{"policy":"randon"}}');
  expect(() => acceptOverrides(overrides)).toThrow(/^balancing: a\.B: there is no policy "randon": is random meant\?/);
});
