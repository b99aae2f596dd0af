import { describe, expect, it } from '@jest/globals';
import type { Parser, Variable } from '@rondo/service';
import { type GatewayConfig, host, limits, network, origin, tlsFiles, variables } from './config.js';

const all: readonly (readonly [string, Variable<unknown>])[] = Object.entries(variables);

it.each(all)('%s has an example that it accepts, a default that it reads back, and a description', (_, one) => {
  expect(one.parser.parse(one.example)).toMatchObject({ ok: true });
  const isEmpty = one.default === undefined || (Array.isArray(one.default) && one.default.length === 0);
  if (!isEmpty) expect(one.parser.parse(one.parser.format(one.default))).toEqual({ ok: true, value: one.default });
  expect(one.description).toMatch(/^[A-Z].*\.$/);
});

it.each<readonly [string, unknown, Parser<unknown>]>([
  ['client-rate=100, client-burst=200', expect.objectContaining({ 'client-rate': 100, 'client-burst': 200 }), limits],
  ['connections=5', expect.objectContaining({ connections: 5, 'client-connections': 1_000, 'client-rate': 0 }), limits],
  ['[::1]', '[::1]', host],
  ['*', '*', host],
  ['http://localhost:3000', 'http://localhost:3000', origin],
  ['fd00::/8', 'fd00::/8', network],
  ['10.0.0.7', '10.0.0.7', network],
  ['/v1/a=x.v1.S,/v1/b/c=y', ['/v1/a=x.v1.S', '/v1/b/c=y'], variables.pathOwners.parser],
])('%s is read as %j', (text, value, parser) => {
  expect(parser.parse(text)).toEqual({ ok: true, value });
});

it.each<readonly [string, string, Parser<unknown>]>([
  ['100', 'has the unknown key "100"', limits],
  ['connections=0', 'has a value of connections that is less than 1', limits],
  ['connections=1,connections=2', 'gives connections twice', limits],
  ['example.com:80', 'is not a host without a port', host],
  ['http://example.com', 'is not a host without a port', host],
  ['https://app.example.com/', 'is not an origin, https://app.example.com is one', origin],
  ['app.example.com', 'is not an origin', origin],
  ['10.0.0.0/33', 'has more than 32 bits', network],
  ['proxy', 'is not an IP address or a network', network],
  ['/v1/{name=orders/*}=sales', 'is not', variables.pathOwners.parser],
])('%s %s', (text, fault, parser) => {
  expect(parser.parse(text)).toEqual({ ok: false, fault: expect.stringContaining(fault) });
});

describe('the files for TLS', () => {
  const files = (given: Partial<GatewayConfig>) => tlsFiles({ tlsDir: undefined, plaintext: 'allow', ...given });

  it('are those in the folder, if there is one', () => {
    expect(files({})).toBeUndefined();
    expect(files({ tlsDir: 'own', plaintext: 'refuse' })).toEqual({ certPath: 'own/tls.crt', keyPath: 'own/tls.key' });
  });

  it('are needed if plaintext is refused', () => {
    expect(() => files({ plaintext: 'refuse' })).toThrow('RONDO_GATEWAY_PLAINTEXT=refuse leaves nothing to serve');
  });
});
