import { expect, it } from '@jest/globals';
import { startService } from '@rondo/service';
import { registry } from './index.js';
import { storeLocation } from './store-location.js';

const ETCD = { kind: 'etcd', isEncrypted: false, user: undefined, password: undefined, prefix: '/rondo/registry' };

it.each([
  ['memory', { kind: 'memory' }],
  ['etcd://a:1', { ...ETCD, endpoints: [{ host: 'a', port: 1 }] }],
  ['etcd://a', { ...ETCD, endpoints: [{ host: 'a', port: 2379 }] }],
  [
    'etcd://a:1,[::1]:2,c/',
    {
      ...ETCD,
      endpoints: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
        { host: 'c', port: 2379 },
      ],
    },
  ],
  ['etcds://a:1/team/blue', { ...ETCD, isEncrypted: true, endpoints: [{ host: 'a', port: 1 }], prefix: '/team/blue' }],
  ['etcd://ann:p%40ss%2F@a:1', { ...ETCD, user: 'ann', password: 'p@ss/', endpoints: [{ host: 'a', port: 1 }] }],
])('%s is read', (text, value) => {
  expect(storeLocation.parse(text)).toEqual({ ok: true, value });
});

it.each([
  ['etdc://a:1', 'is neither memory nor the URL of an etcd'],
  ['http://a:1', 'is neither memory nor the URL of an etcd'],
  ['etcd://', 'is neither memory nor the URL of an etcd'],
  ['etcd://ann@a:1', 'is neither memory nor the URL of an etcd'],
  ['etcd://a:1?x=y', 'names hosts of which is not host:port'],
  ['etcd://a:99999', 'names hosts of which has port 99999, which is not from 1 to 65535'],
  ['etcd://a:1,,b:2', 'names hosts of which item 2 is empty'],
  ['etcd://ann:%zz@a:1', 'has a user or password with a % that encodes nothing'],
])('%s is refused', (text, fault) => {
  expect(storeLocation.parse(text)).toEqual({ ok: false, fault });
});

it('is never shown with its password, be it right or wrong', async () => {
  const right = storeLocation.parse('etcd://ann:sesame@a:1');
  expect(right.ok && storeLocation.format(right.value)).toBe('etcd://ann:(hidden)@a:1/rondo/registry');
  const environment = { RONDO_REGISTRY_STORE: 'etcd://ann:sesame@a:0' };
  await expect(startService({ ...registry, environment })).rejects.toThrow(
    /RONDO_REGISTRY_STORE=\(hidden\) names hosts of which has port 0/,
  );
});
