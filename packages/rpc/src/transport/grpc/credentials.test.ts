import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Certificate, makeCertificate, noOpenssl } from '../../../test/support/certificates.js';
import type { TlsOptions } from './credentials.js';
import { grpcTransport } from './transport.js';

(noOpenssl === undefined ? describe : describe.skip)(noOpenssl ?? 'a transport with TLS', () => {
  let server: Http2SecureServer;
  let port: number;
  let tls: Certificate;

  beforeAll(async () => {
    tls = makeCertificate('registry.internal');
    // It asks for a client certificate, and trusts only its own.
    server = createSecureServer({ ...tls, ca: tls.cert, requestCert: true, rejectUnauthorized: true });
    server.on('sessionError', () => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  });

  async function connect(options: TlsOptions | undefined): Promise<string> {
    // A busy machine may take longer than the default.
    const transport = grpcTransport(`127.0.0.1:${port}`, { tls: options, connectTimeoutMs: 30_000 });
    try {
      await transport.connect();
      return transport.state;
    } finally {
      transport.close();
    }
  }

  it('connects if each end can authenticate itself', async () => {
    const full = { ca: tls.cert, ...tls, serverName: 'registry.internal' };
    expect(await connect(full)).toBe('ready');
  });

  it.each([
    ['in plaintext', () => undefined],
    ['to a server of an unknown authority', () => ({ ...tls, serverName: 'registry.internal' })],
    ['to a server of another name', () => ({ ca: tls.cert, ...tls, serverName: 'sales.internal' })],
  ])('does not connect %s', async (_how, options: () => TlsOptions | undefined) => {
    await expect(connect(options())).rejects.toMatchObject({ codeName: 'UNAVAILABLE' });
  });

  it('refuses a certificate without its key', () => {
    expect(() => grpcTransport('127.0.0.1:1', { tls: { cert: tls.cert } })).toThrow(/key/);
  });
});
