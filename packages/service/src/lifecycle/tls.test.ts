import { expect, it } from '@jest/globals';
import { ConfigurationError } from '../config/variables.js';
import { createMayServe, requireClosed, requireIdentities } from './tls.js';

const CLOSED = { host: '127.0.0.1', port: 0 };

it.each(['0.0.0.0', '::', '10.0.0.7', 'sales.internal', '128.0.0.1'])(
  'a process that would listen at %s without TLS is refused, with the ways out',
  (host) => {
    const open = { host, port: 50053 };
    for (const [name, ports] of [
      ['RONDO_LISTEN', { listen: open, metrics: undefined }],
      ['RONDO_METRICS', { listen: CLOSED, metrics: open }],
    ] as const) {
      const refusal = () => requireClosed({ ...ports, tls: 'off', insecure: undefined });
      expect(refusal).toThrow(ConfigurationError);
      expect(refusal).toThrow(new RegExp(`${name}=.* RONDO_TLS=on .*RONDO_INSECURE=1`));
      expect(() => requireClosed({ ...ports, tls: 'on', insecure: undefined })).not.toThrow();
      expect(() => requireClosed({ ...ports, tls: 'off', insecure: '1' })).not.toThrow();
    }
  },
);

it.each(['127.0.0.1', '127.8.9.10', 'localhost', '::1'])('%s is the loopback', (host) => {
  expect(() =>
    requireClosed({ listen: { host, port: 0 }, metrics: { host, port: 0 }, tls: 'off', insecure: undefined }),
  ).not.toThrow();
});

it('checks callers only on connections that prove who they are', () => {
  for (const tls of ['off', 'permissive'] as const) {
    expect(() => requireIdentities({ auth: 'on', tls })).toThrow(`RONDO_AUTH=on needs RONDO_TLS=on, and it is ${tls}`);
    expect(() => requireIdentities({ auth: 'off', tls })).not.toThrow();
  }
  expect(() => requireIdentities({ auth: 'on', tls: 'on' })).not.toThrow();
});

it.each([
  ['sales.v1.OrderService', true, false],
  ['grpc.health.v1.Health', true, true],
  ['NoPackage', false, false],
])('%s: whether sales may serve it, and whether every process may', (service, bySales, byEvery) => {
  const mayServe = createMayServe(undefined);
  expect([mayServe('spiffe://rondo.local/sales', service), mayServe('', service)]).toEqual([bySales, byEvery]);
});
