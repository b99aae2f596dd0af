import { expect, it } from '@jest/globals';
import { Encodings } from '../../src/xds/encodings.js';
import { TYPES } from '../../src/xds/resources.js';
import { instanceAt } from './instance.js';

const SALES = 'sales.v1.OrderService';
const CLIENT = { zone: '', tls: false, trustDomain: '' };

it('keeps the resources of a service, and no others that a client invents for it', () => {
  const encodings = new Encodings({ policiesOf: () => [], servedBy: () => undefined });
  const canary = instanceAt('10.0.0.2:1', { metadata: { canary: '5' }, version: '2' });
  const position = { epoch: 1n, revision: 1n };
  encodings.apply({
    kind: 'snapshot',
    instances: [instanceAt('10.0.0.1:1'), canary],
    position,
    warming: false,
  });
  const isKept = (type: (typeof TYPES)[keyof typeof TYPES], name: string) => {
    const found = encodings.find(type, name, CLIENT);
    return found !== undefined && found === encodings.find(type, name, CLIENT);
  };
  expect(isKept(TYPES.listener, SALES)).toBe(true);
  for (const type of [TYPES.cluster, TYPES.endpoints])
    expect([SALES, `${SALES}|canary=5|2`].map((name) => isKept(type, name))).toEqual([true, true]);
  for (const type of [TYPES.listener, TYPES.cluster]) {
    expect(encodings.find(type, `${SALES}|canary=7|3`, CLIENT)).toBeDefined();
    expect(isKept(type, `${SALES}|canary=7|3`)).toBe(false);
  }
});
