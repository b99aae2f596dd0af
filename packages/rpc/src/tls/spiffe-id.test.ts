import { expect, it } from '@jest/globals';
import { parseSpiffeId, spiffeIdOf } from './spiffe-id.js';

it('has a trust domain and a name', () => {
  const uri = 'spiffe://example.org/ns/prod/sa/sales';
  expect(parseSpiffeId(uri)).toEqual({ uri, trustDomain: 'example.org', name: 'ns/prod/sa/sales' });
});

it.each([
  'https://example.org/sales',
  'spiffe://example.org',
  'spiffe://example.org/',
  'spiffe://Example.org/sales',
  'spiffe://example.org:443/sales',
  'spiffe://user@example.org/sales',
  'spiffe://example.org/sales?a=b',
  'spiffe://example.org/a/../sales',
  'spiffe://example.org//sales',
  'spiffe://*/sales',
  'spiffe://example.org/%73ales',
  'spiffe://example.org/person%2Fjo',
  'spiffe://example.org/sales\0.other',
  'spiffe://example.org/s\u00e1les',
  `spiffe://example.org/${'a'.repeat(3_000)}`,
])('%.60s is none', (uri) => {
  expect(parseSpiffeId(uri)).toBeUndefined();
});

it.each([
  ['one URI among other names', 'DNS:localhost, URI:spiffe://a.b/sales, IP Address:127.0.0.1', 'sales'],
  ['two URIs', 'URI:spiffe://a.b/sales, URI:spiffe://a.b/projects', undefined],
  ['a URI that is none', 'URI:https://a.b/sales', undefined],
  ['a name that looks like one, as CVE-2021-44532', 'DNS:"x, URI:spiffe://a.b/sales"', undefined],
  ['no names', undefined, undefined],
])('is taken from a certificate with %s', (_what, subjectAltName, name) => {
  expect(spiffeIdOf({ subjectAltName })?.name).toBe(name);
});
