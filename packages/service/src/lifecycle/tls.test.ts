import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServiceDefinition } from '@rondo/rpc/internal';
import { ConfigurationError } from '../config/variables.js';
import { createMayServe, requireClosed, requireDecision, requireIdentities } from './tls.js';

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

describe('a process with rules in its contracts', () => {
  const OPEN = { host: '0.0.0.0', port: 50053 };
  const app = (definition: ServiceDefinition) => ({ services: [{ definition, handlers: {} }] });
  const secured = app(SecuredServiceDefinition);
  const warn = jest.fn();
  const decide = (config: Parameters<typeof requireDecision>[0], of: Parameters<typeof requireDecision>[1] = secured) =>
    requireDecision(config, of, { warn });
  beforeEach(() => {
    warn.mockClear();
  });

  it('does not start beyond the loopback until RONDO_AUTH is set', () => {
    const undecided = () => decide({ auth: undefined, listen: OPEN });
    expect(undecided).toThrow(ConfigurationError);
    expect(undecided).toThrow(
      /RONDO_AUTH is not set, and 0\.0\.0\.0:50053 is beyond .* to on, .*RONDO_TLS=on.* off to serve every caller; .* rondo\.conformance\.auth\.v1\.SecuredService\/Read/,
    );
    decide({ auth: 'on', listen: OPEN });
    decide({ auth: undefined, listen: CLOSED });
    expect(warn).not.toHaveBeenCalled();
  });

  it('says in its log what is open if RONDO_AUTH is off', () => {
    decide({ auth: 'off', listen: OPEN });
    expect(warn.mock.calls).toEqual([
      [{}, expect.stringMatching(/^RONDO_AUTH=off: every caller may call .*Service\/Read/)],
    ]);
  });

  it('is one of which a listener is beyond the loopback, or to which the app gives rules', () => {
    const closed = { auth: undefined, listen: CLOSED };
    const at = { at: OPEN, listen: async () => ({ address: '' }), drain: async () => undefined };
    expect(() => decide(closed, { ...secured, listeners: [at] })).toThrow('RONDO_AUTH is not set');
    const plain = app(ConformanceServiceDefinition);
    decide({ auth: undefined, listen: OPEN }, plain);
    const auth = { [ConformanceServiceDefinition.fullName]: { scopes: ['shop.read'], callers: [] } };
    expect(() => decide({ auth: undefined, listen: OPEN }, { ...plain, auth })).toThrow('RONDO_AUTH is not set');
  });
});
