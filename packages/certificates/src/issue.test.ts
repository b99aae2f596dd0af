import { X509Certificate } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { createAuthority, issue } from './issue.js';

const [validFrom, validTo] = [new Date('2026-01-01T00:00:00Z'), new Date('2036-01-01T00:00:00Z')];

it('issues certificates that Node verifies, each with one SPIFFE id and its hosts', async () => {
  const authority = await createAuthority({ trustDomain: 'rondo.test', validFrom, validTo });
  const options = { name: 'sales', usage: 'process', hosts: ['localhost', '127.0.0.1'], validFrom, validTo } as const;
  const { cert, key } = await issue(authority, options);
  const [leaf, root] = [new X509Certificate(cert), new X509Certificate(authority.cert)];
  expect(leaf.checkIssued(root) && leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.subjectAltName).toBe('URI:spiffe://rondo.test/sales, DNS:localhost, IP Address:127.0.0.1');
  expect([leaf.ca, root.ca]).toEqual([false, true]);
  expect(key).toContain('BEGIN PRIVATE KEY');
});
