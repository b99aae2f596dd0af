import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TlsOptions } from './credentials.js';
import { grpcTransport } from './transport.js';

const noOpenssl =
  spawnSync('openssl', ['version']).error === undefined
    ? undefined
    : 'TLS: no openssl is installed to make certificates';

(noOpenssl === undefined ? describe : describe.skip)(noOpenssl ?? 'a transport with TLS', () => {
  let folder: string;
  let server: Http2SecureServer;
  let port: number;
  let tls: { cert: Buffer; key: Buffer };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rondo-tls-'));
    const made = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
    ];
    const names = ['-subj', '/CN=registry.internal', '-addext', 'subjectAltName=DNS:registry.internal'];
    spawnSync('openssl', ['req', '-x509', '-days', '2', ...made, ...names], { cwd: folder });
    tls = { cert: readFileSync(join(folder, 'cert.pem')), key: readFileSync(join(folder, 'key.pem')) };
    // It wants a certificate of its client's, and trusts none but its own.
    server = createSecureServer({ ...tls, ca: tls.cert, requestCert: true, rejectUnauthorized: true });
    server.on('sessionError', () => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    const closed = once(server, 'close');
    server.close();
    await closed;
  });

  async function connect(options: TlsOptions | undefined): Promise<string> {
    const transport = grpcTransport(`127.0.0.1:${port}`, { tls: options });
    try {
      await transport.connect();
      return transport.state;
    } finally {
      transport.close();
    }
  }

  it('connects where each end can show who it is', async () => {
    const full = { ca: tls.cert, ...tls, serverName: 'registry.internal' };
    expect(await connect(full)).toBe('ready');
  });

  it.each([
    ['in plaintext', () => undefined],
    ['to a server that nobody vouches for', () => ({ ...tls, serverName: 'registry.internal' })],
    ['to a server of another name', () => ({ ca: tls.cert, ...tls, serverName: 'sales.internal' })],
  ])('does not connect %s', async (_how, options: () => TlsOptions | undefined) => {
    await expect(connect(options())).rejects.toMatchObject({ codeName: 'UNAVAILABLE' });
  });

  it('refuses a certificate without its key', () => {
    expect(() => grpcTransport('127.0.0.1:1', { tls: { cert: tls.cert } })).toThrow(/key/);
  });
});
