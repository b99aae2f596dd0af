import { describe, expect, it } from '@jest/globals';
import type { Parser, Variable } from '@rondo/service';
import { type GatewayConfig, host, network, origin, rate, tlsFiles, variables } from './config.js';

const all: readonly (readonly [string, Variable<unknown>])[] = Object.entries(variables);

it.each(all)('%s has an example that it accepts, a default that it reads back, and a description', (_, one) => {
  expect(one.parser.parse(one.example)).toMatchObject({ ok: true });
  const isEmpty = one.default === undefined || (Array.isArray(one.default) && one.default.length === 0);
  if (!isEmpty) expect(one.parser.parse(one.parser.format(one.default))).toEqual({ ok: true, value: one.default });
  expect(one.description).toMatch(/^[A-Z].*\.$/);
});

it.each<readonly [string, unknown, Parser<unknown>]>([
  ['100/s,burst=200', { perSecond: 100, burst: 200 }, rate],
  ['5/s', { perSecond: 5, burst: 5 }, rate],
  ['[::1]', '[::1]', host],
  ['*', '*', host],
  ['http://localhost:3000', 'http://localhost:3000', origin],
  ['fd00::/8', 'fd00::/8', network],
  ['10.0.0.7', '10.0.0.7', network],
  ['true', true, variables.servedBy.parser],
  ['/v1/a=x.v1.S,/v1/b/c=y', ['/v1/a=x.v1.S', '/v1/b/c=y'], variables.pathOwners.parser],
])('%s is read as %j', (text, value, parser) => {
  expect(parser.parse(text)).toEqual({ ok: true, value });
});

it.each<readonly [string, string, Parser<unknown>]>([
  ['100', 'is not a rate', rate],
  ['0/s', 'is not a rate', rate],
  ['example.com:80', 'is not a host without a port', host],
  ['http://example.com', 'is not a host without a port', host],
  ['https://app.example.com/', 'is not an origin, https://app.example.com is one', origin],
  ['app.example.com', 'is not an origin', origin],
  ['10.0.0.0/33', 'has more than 32 bits', network],
  ['proxy', 'is not an IP address or a network', network],
  ['yes', 'is unknown', variables.servedBy.parser],
  ['/v1/{name=orders/*}=sales', 'is not', variables.pathOwners.parser],
])('%s %s', (text, fault, parser) => {
  expect(parser.parse(text)).toEqual({ ok: false, fault: expect.stringContaining(fault) });
});

describe('the files for TLS', () => {
  const files = (given: Partial<GatewayConfig>) =>
    tlsFiles({ tlsCert: undefined, tlsKey: undefined, plaintext: 'allow', ...given });

  it('are both given, or neither', () => {
    expect(files({})).toBeUndefined();
    expect(files({ tlsCert: 'a.pem', tlsKey: 'b.pem', plaintext: 'refuse' })).toEqual({
      certPath: 'a.pem',
      keyPath: 'b.pem',
    });
    const without = (set: string, unset: string) =>
      `RONDO_GATEWAY_TLS_${set} is set without RONDO_GATEWAY_TLS_${unset}: give both, or neither`;
    expect(() => files({ tlsCert: 'a.pem' })).toThrow(without('CERT', 'KEY'));
    expect(() => files({ tlsKey: 'b.pem' })).toThrow(without('KEY', 'CERT'));
  });

  it('are needed if plaintext is refused', () => {
    expect(() => files({ plaintext: 'refuse' })).toThrow('RONDO_GATEWAY_PLAINTEXT=refuse leaves nothing to serve');
  });
});
