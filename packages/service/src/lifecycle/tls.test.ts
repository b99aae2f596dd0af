import { expect, it } from '@jest/globals';
import { ConfigurationError } from '../config/variables.js';
import { requireClosed } from './tls.js';

it.each(['0.0.0.0', '::', '10.0.0.7', 'sales.internal', '128.0.0.1'])(
  'a process that would listen at %s without TLS is refused, with the ways out',
  (host) => {
    const listen = { host, port: 50053 };
    const refusal = () => requireClosed(listen, { tls: 'off', insecure: undefined });
    expect(refusal).toThrow(ConfigurationError);
    expect(refusal).toThrow(/RONDO_TLS=on .*RONDO_INSECURE=1/);
    expect(() => requireClosed(listen, { tls: 'on', insecure: undefined })).not.toThrow();
    expect(() => requireClosed(listen, { tls: 'off', insecure: '1' })).not.toThrow();
  },
);

it.each(['127.0.0.1', '127.8.9.10', 'localhost', '::1'])('%s is the loopback', (host) => {
  expect(() => requireClosed({ host, port: 0 }, { tls: 'off', insecure: undefined })).not.toThrow();
});
