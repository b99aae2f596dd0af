/** TLS on the public port. */

import { once } from 'node:events';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { type CertificateFiles, makeCertificate, noOpenssl, replace } from './support/certificates.js';
import { echo } from './support/handlers.js';
import { ask1, ask2, cleanUp, closeAll, connect2, connectRaw, listening, logged, textOf } from './support/listening.js';

afterEach(closeAll);

const CHECK_MS = 10;

async function start(options: Partial<Parameters<typeof listening>[0]> = {}, files = makeCertificate('one')) {
  return { files, ...(await listening({ handler: echo, tls: { ...files, checkMs: CHECK_MS }, ...options })) };
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  cleanUp(() => socket.destroy());
  socket.on('error', () => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function nameAt(port: number): Promise<string> {
  const socket = await handshake(port);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

const isRenewed = () => logged.some((line) => String(line).includes('has a new certificate'));

(noOpenssl === undefined ? describe : describe.skip)(noOpenssl ?? 'TLS on the public port', () => {
  it('carries HTTP/2, HTTP/1.1, and neither, next to both without TLS', async () => {
    const { port } = await start();
    const secure2 = await connect2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const plain2 = await connect2(`http://127.0.0.1:${port}`);
    const request = https.request({ port, host: '127.0.0.1', rejectUnauthorized: false }).end();
    const [response] = await once(request, 'response');
    const answers = [
      (await ask2(secure2)).body,
      (await ask2(plain2)).body,
      await textOf(response),
      (await ask1(port)).body,
    ].map((body) => JSON.parse(body));
    expect(answers.map(({ version, secure }) => [version, secure])).toEqual([
      ['2', true],
      ['2', false],
      ['1.1', true],
      ['1.1', false],
    ]);
    expect(answers.map(({ remote }) => remote)).toEqual(Array(4).fill('127.0.0.1'));
  });

  it('takes the next request of HTTP/1.1 in parts, while the client has not read the answer before', async () => {
    const { port } = await start({
      handler: (exchange) =>
        void exchange.body.whole(10).then((body) => {
          exchange.respond(200, {});
          exchange.end(Buffer.concat([Buffer.alloc(exchange.path === '/long' ? 8 * 1024 * 1024 : 0), body]));
        }),
    });
    const socket = await handshake(port);
    socket.pause().write('GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'readable');
    const head = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\n';
    for (const part of [head, 'p', 'a', 'rts']) socket.write(part);
    expect((await textOf(socket)).slice(-5)).toBe('parts');
  });

  it('is not negotiated anew on a connection of TLS 1.2, which costs the server more than its client', async () => {
    const { port } = await start();
    const socket = await handshake(port, { maxVersion: 'TLSv1.2' });
    const refused = await new Promise<Error | null>((resolve) => {
      socket.once('error', resolve);
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    expect(String(refused)).toMatch(/no renegotiation/i);
  });

  it('is the only way if plaintext is refused', async () => {
    const { port } = await start({ plaintext: 'refuse' });
    expect(await ask1(port)).toMatchObject({ status: 426, headers: { upgrade: 'TLS/1.2, HTTP/1.1' } });
    expect(await ask2(await connect2(`http://127.0.0.1:${port}`))).toMatchObject({ status: 426 });
    expect(logged).toEqual([]);
    const session = await connect2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    expect(await ask2(session)).toMatchObject({ status: 200 });
  });

  it('takes a new certificate without a break for the open connections', async () => {
    const { files, port } = await start();
    const session = await connect2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    replace(files, makeCertificate('two'));
    await until(() => logged.length > 0);
    expect(await nameAt(port)).toBe('two');
    expect(await ask2(session)).toMatchObject({ status: 200 });
    expect(logged.splice(0)).toEqual([[expect.anything(), 'the public port has a new certificate']]);
  });

  it('keeps the certificate while only one of the files is new', async () => {
    const { files, port } = await start();
    const next = makeCertificate('two');
    replace(files, { certPath: next.certPath });
    await until(() => logged.length > 0);
    expect(logged.splice(0)).toEqual([[expect.anything(), expect.stringContaining('the last one stays')]]);
    expect(await nameAt(port)).toBe('one');
    replace(files, { keyPath: next.keyPath });
    await until(isRenewed);
    expect(await nameAt(port)).toBe('two');
    logged.splice(0);
  });

  it('takes a certificate whose key could not be read at first, though its time is the same', async () => {
    const { files, port } = await start();
    const next = makeCertificate('two');
    const key = readFileSync(next.keyPath);
    const writeKey = (bytes: Buffer) => {
      writeFileSync(files.keyPath, bytes);
      utimesSync(files.keyPath, 1, 1);
    };
    writeKey(Buffer.alloc(key.length));
    replace(files, { certPath: next.certPath });
    await until(() => logged.length > 0);
    // Each fault is said once, however often the files are looked at; a look amid the writing has one of its own.
    for (let looks = 0; looks < 20; looks += 1) await nameAt(port);
    expect(logged.length).toBeLessThan(4);
    writeKey(key);
    await until(isRenewed);
    expect(await nameAt(port)).toBe('two');
    logged.splice(0);
  });

  it('warns if the certificate expires within two weeks', async () => {
    await start({}, makeCertificate('one', 13));
    expect(logged.splice(0)).toEqual([[expect.anything(), expect.stringContaining('expires soon')]]);
  });

  it.each<[string, (files: CertificateFiles) => CertificateFiles]>([
    ['is missing', (files) => ({ ...files, keyPath: `${files.keyPath}.none` })],
    ['belongs to another', (files) => ({ ...files, keyPath: makeCertificate('two').keyPath })],
    ['is none', (files) => ({ ...files, keyPath: files.certPath })],
  ])('fails the start if the key %s', async (_name, change) => {
    await expect(start({}, change(makeCertificate('one')))).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining('RONDO_GATEWAY_TLS_DIR'),
    });
  });

  it.each([
    ['rubbish in place of a handshake', Buffer.from([0x16, 1, 2, 3, 4, 5, 6, 7, 8, 9])],
    ['half of a handshake', Buffer.from([0x16, 3, 1, 0, 100, 1])],
    ['one byte', Buffer.from([0x16])],
  ])('disconnects a client that sends %s', async (_name, bytes) => {
    const { port, listener } = await start({ limits: { handshakeMs: 100, tickMs: 10 } });
    const socket = await connectRaw(port);
    socket.write(bytes);
    await once(socket.resume(), 'close');
    await until(() => listener.connections === 0);
  });

  it('disconnects clients that leave amid the handshake, and old ones', async () => {
    const { port, listener } = await start();
    const old = connectTls({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    });
    await once(old, 'error');
    const socket = await connectRaw(port);
    socket.write(Buffer.from([0x16, 3, 1, 0, 100, 1]), () => socket.resetAndDestroy());
    await until(() => listener.connections === 0);
    expect(await nameAt(port)).toBe('one');
  });

  it('keeps no listener that drains waiting by handshakes that have not had their turn', async () => {
    const clock = new ManualClock();
    const { port, listener } = await start({ clock, limits: { handshakeMs: 600_000 } });
    const sockets = await Promise.all(Array.from({ length: 40 }, () => connectRaw(port)));
    await until(() => listener.connections === 40);
    // The first byte of a handshake. One begins in a round of the event loop.
    for (const socket of sockets) socket.write(Buffer.from([22]));
    for (const _ of [1, 2, 3]) await new Promise((resolve) => setImmediate(resolve));
    const drained = listener.drain(60_000);
    await clock.advance(1_000);
    await drained;
    expect(listener.connections).toBe(0);
  });
});

it('disconnects clients of TLS if the port has none', async () => {
  const { port, listener } = await listening({ handler: echo });
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'error');
  await until(() => listener.connections === 0);
});
