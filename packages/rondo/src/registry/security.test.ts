import { expect, it } from '@jest/globals';
import { Instance, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { mixedSecurity } from './security.js';

const [PLAIN, TLS] = [Security.SECURITY_PLAINTEXT, Security.SECURITY_TLS];

const fleet = (instances: Readonly<Record<string, readonly Security[]>>) =>
  Object.entries(instances).map(([instanceId, securities]) =>
    Instance.fromPartial({ instanceId, endpoints: securities.map((security) => ({ address: 'a:1', security })) }),
  );

it.each([
  ['without TLS', { a: [PLAIN], b: [PLAIN] }, undefined],
  ['with TLS', { a: [TLS], b: [TLS] }, undefined],
  [
    'in between',
    { a: [TLS], b: [PLAIN], c: [TLS, PLAIN] },
    '1 with TLS alone; with and without TLS: c; without TLS: b',
  ],
  ['that is permissive', { a: [TLS, PLAIN] }, 'with and without TLS: a'],
])('a fleet %s', (_what, instances, remark) => {
  const mixed = mixedSecurity(fleet(instances));
  expect(mixed).toBe(remark === undefined ? undefined : `The fleet is mixed: ${remark}`);
});
