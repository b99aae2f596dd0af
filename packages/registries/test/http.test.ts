import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, expect, it } from '@jest/globals';
import { certify, createFolder, newAuthority } from '../../rpc/test/support/identities.js';
import { HTTP_KEYS, HttpServers, parseLocation } from '../src/exports/index.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listening(server: Server) {
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function askerOf(url: string) {
  const location = parseLocation(url, { scheme: 'eureka', port: 8761, keys: HTTP_KEYS });
  const servers = new HttpServers(location, { tokenHeader: 'authorization' });
  closers.push(() => servers.close());
  return () => servers.ask({ path: '/', signal: new AbortController().signal });
}

it('asks the second of two servers after requests that failed together at the first', async () => {
  const broken = await listening(createServer((_, response) => response.writeHead(503).end()));
  const whole = await listening(createServer((_, response) => response.end('{}')));
  const ask = askerOf(`eureka://${broken},${whole}`);
  const together = await Promise.allSettled([ask(), ask()]);
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await ask()).toMatchObject({ status: 200 });
});

it('does not take a redirect for an answer: to write there would have no effect', async () => {
  const moved = createServer((_, response) => response.writeHead(301, { location: 'https://a:b@10.0.0.9/?c=d' }).end());
  const server = await listening(moved);
  const text = `${server}: HTTP 301: it redirects to https://(hidden)@10.0.0.9/?(hidden)`;
  await expect(askerOf(`eureka://${server}`)()).rejects.toThrow(text);
});

it('shows the certificate that its files have now', async () => {
  const [authority, folder] = [await newAuthority(), createFolder()];
  const file = (name: string) => join(folder.path, name);
  const shown: string[] = [];
  const options = { ...(await certify(authority, 'eureka')), requestCert: true, rejectUnauthorized: false };
  const server = createTlsServer(options, ({ socket }, response) => {
    if (socket instanceof TLSSocket) shown.push(socket.getPeerCertificate().fingerprint256);
    response.setHeader('connection', 'close').end('{}');
  });
  const own = [await certify(authority, 'shop'), await certify(authority, 'shop')] as const;
  folder.write({ ...own[0], ca: authority.cert });
  const keys = { tls: 'on', 'ca-file': file('ca.crt'), 'cert-file': file('tls.crt'), 'key-file': file('tls.key') };
  const ask = askerOf(`eureka://${await listening(server)}?${new URLSearchParams(keys)}`);
  await ask();
  folder.write(own[1]);
  await ask();
  expect(shown).toEqual(own.map(({ cert }) => new X509Certificate(cert).fingerprint256));
});
