import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { policiesIn } from '../../src/xds/policies.js';

const descriptors = readFileSync(new URL('../../../../packages/contracts/descriptors.binpb', import.meta.url));
const policiesOf = policiesIn(descriptors, silentLogger);
const policyOf = (path: string) =>
  policiesOf(path.slice(1, path.lastIndexOf('/'))).find((policy) => policy.path === path);

const RETRY = { on: ['unavailable'], retries: 2, initialMs: 10, maxMs: 1_000 };

describe('the policies of methods', () => {
  it('are the timeout and the retries of the contract', () => {
    expect(policyOf('/calculator.v1.CalculatorService/Add')).toMatchObject({ timeoutMs: 2_000, retry: RETRY });
    expect(policyOf('/calculator.Calculator/Add')).toEqual({
      path: '/calculator.Calculator/Add',
      timeoutMs: undefined,
      retry: RETRY,
    });
  });

  it('have no timeout for a watch', () => {
    expect(policyOf('/rondo.registry.v1.RegistryService/Watch')).toMatchObject({ timeoutMs: undefined, retry: RETRY });
    expect(policyOf('/calculator.v1.CalculatorService/EvaluateBatch')).toMatchObject({ timeoutMs: undefined });
  });

  it('have no retries where the contract allows none, or asks for a key', () => {
    expect(policiesOf('rondo.conformance.v1.KeyedService')).toEqual([]);
    expect(policyOf('/grpc.health.v1.Health/Check')).toBeUndefined();
  });

  it('are none for a service without a contract', () => {
    expect(policiesOf('helloworld.Greeter')).toEqual([]);
    expect(policiesIn(undefined, silentLogger)('calculator.v1.CalculatorService')).toEqual([]);
  });
});
