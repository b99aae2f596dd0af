/** What a client without credentials can make the public port keep: the memory of its process, and not what a counter says. */

import http2 from 'node:http2';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from '@jest/globals';
import { open } from '../../../packages/rpc/test/attacks/attempt.js';
import {
  ACK,
  BEGIN,
  dataFrame,
  frame,
  frameReader,
  headersFrame,
  PREFACE,
  pathOf,
  requestTo,
  settings,
  TYPE,
} from '../../../packages/rpc/test/attacks/frames.js';
import { deferred, until } from '../../../packages/rpc/test/support/wait.js';
import { inflate } from '../src/protocols/compression.js';
import { echoBackend, frame as enveloped, gateway, type Sent, send2 } from './support/calling.js';
import { echo } from './support/handlers.js';
import { ask1, ask2, cleanUp, closeAll, connect2, listening } from './support/listening.js';
import { pathOf as noteMethod } from './support/note-service.js';
import { startVictim, UNHARMED } from './support/victim.js';

afterEach(closeAll);
const MIB = 1024 * 1024;
/** Begins a connection whose client reads no body, and takes the windows that the server offers. */
const UNREAD = Buffer.concat([PREFACE, settings([4, 0]), frame(TYPE.SETTINGS, { flags: ACK })]);

const data = (bytes: number) => dataFrame(Buffer.alloc(bytes, ' '), { flags: 0 });
const bodyOf = (path: string) => headersFrame(requestTo(path));
/** 64 KiB that every receiver ignores, and behind them a byte of a body. */
const PINNED = Buffer.concat([...Array(4).fill(frame(0xfa, { payload: Buffer.alloc(16_320) })), data(1)]);

it.each([
  ['a body that is read as a whole', [BEGIN, bodyOf('/anew'), ...Array(4).fill(data(16_000))]],
  // Its answer, and so its body, waits for the client.
  ['a stream that is not read', [UNREAD, bodyOf(pathOf('BidiStream')), ...Array(10).fill(data(16_000))]],
])('%s keeps no more than itself of what its connection brings', async (_what, begin) => {
  const victim = await startVictim();
  try {
    const socket = await open(victim);
    const received: number[] = [];
    socket.on(
      'data',
      frameReader(({ type }) => received.push(type)),
    );
    socket.write(Buffer.concat(begin));
    for (let count = 0; count < 6_400 && !socket.closed; count += 1) {
      await new Promise((resolve) => socket.write(PINNED, resolve));
    }
    expect(await victim.serve()).toMatchObject({ body: 'anew' });
    // 400 MiB were sent. Node 24 ends a connection with thousands of frames of an unknown type.
    expect([TYPE.RST_STREAM, TYPE.GOAWAY].map((type) => received.includes(type))).toEqual([false, socket.closed]);
    expect((await victim.kept()) / MIB).toBeLessThan(50);
    socket.destroy();
    expect(victim.state()).toEqual(UNHARMED);
  } finally {
    await victim.close();
  }
});

it('a client has a bound of open requests over all its connections, and a proxy has not', async () => {
  const { port } = await listening({ handler: echo, limits: { streamsPerClient: 3 } });
  const first = await connect2(`http://127.0.0.1:${port}`);
  const second = await connect2(`http://127.0.0.1:${port}`);
  const streams = [first, second, first].map((session) => session.request({ ':method': 'POST', ':path': '/' }));
  // The answer to a ping shows that the listener has read what was sent before.
  for (const session of [first, second]) await new Promise((resolve) => session.ping(resolve));
  const refused = second.request({ ':method': 'POST', ':path': '/' }).on('error', () => undefined);
  await new Promise((resolve) => refused.once('close', resolve));
  expect(refused.rstCode).toBe(http2.constants.NGHTTP2_REFUSED_STREAM);
  for (const stream of streams) stream.end('done');
  for (const stream of streams) await new Promise((resolve) => stream.resume().once('close', resolve));
  expect(await ask2(second, { method: 'POST', body: 'another' })).toMatchObject({ status: 200 });
  const proxied = await listening({ handler: echo, limits: { streamsPerClient: 0 }, isProxy: () => true });
  expect(await ask2(await connect2(`http://127.0.0.1:${proxied.port}`))).toMatchObject({ status: 200 });
});

it.each(['1.1', '2'])(
  'a client that reads nothing over HTTP/%s gives up answers, and others get theirs',
  async (version) => {
    const counts = { begun: 0, over: 0 };
    const { port } = await listening({
      limits: { unreadBytes: 100 * MIB },
      handler(exchange) {
        counts.begun += 1;
        exchange.onClose(() => {
          counts.over += 1;
        });
        exchange.respond(200, {});
        exchange.end(Buffer.alloc(Number(exchange.path.slice(1))));
      },
    });
    const askAndReadNothing = async (localAddress: string) => {
      if (version === '1.1') {
        const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
        cleanUp(() => socket.destroy());
        socket.pause().write(`GET /${32 * MIB} HTTP/1.1\r\nHost: a\r\n\r\n`);
        return socket;
      }
      const session = await connect2(`http://127.0.0.1:${port}`, {
        settings: { initialWindowSize: 0 },
        createConnection: () => connect({ port, host: '127.0.0.1', localAddress }),
      });
      session.request({ ':path': `/${32 * MIB}` }).on('error', () => undefined);
      return session;
    };
    const ask = async (bytes: number) => expect((await ask1(port, { path: `/${bytes}` })).body).toHaveLength(bytes);
    const first = await askAndReadNothing('127.0.0.2');
    await until(() => counts.begun === 1);
    // The second of one client is kept, and the first makes room.
    const second = await askAndReadNothing('127.0.0.2');
    await until(() => counts.over === 1);
    await ask(10);
    await ask(32 * MIB);
    await until(() => counts.over === 3);
    // Another that reads nothing has what is left, and still makes room for a client that reads.
    const third = await askAndReadNothing('127.0.0.3');
    await until(() => counts.begun === 5);
    await ask(20 * MIB);
    await until(() => counts.over === 5);
    for (const client of [first, second, third]) client.destroy();
    await until(() => counts.over === counts.begun);
  },
);

const SMALL = gzipSync(Buffer.alloc(12_000));
const query = { encoding: 'proto', compression: 'gzip', base64: '1', message: SMALL.toString('base64url') };
const gzipped = (type: string, header: string) => ({ 'content-type': `application/${type}`, [header]: 'gzip' });
const COMPRESSED: readonly (readonly [by: string, sent: Sent])[] = [
  ['gRPC', { path: noteMethod('Put'), headers: gzipped('grpc', 'grpc-encoding'), chunks: [enveloped(SMALL, 1)] }],
  ['Connect', { path: noteMethod('Put'), headers: gzipped('proto', 'content-encoding'), chunks: [SMALL] }],
  ['Connect by GET', { method: 'GET', path: `${noteMethod('Get')}?${new URLSearchParams(query)}` }],
];

it.each(COMPRESSED)('a compressed request counts as inflated until it is answered: %s', async (_by, sent) => {
  const answered = deferred();
  const { backend, calls } = echoBackend();
  const { session } = await gateway({
    limits: { unfinishedBytes: 20_000 },
    async backend(call) {
      const reply = await backend(call);
      if (calls.length === 1) await answered.promise;
      return reply;
    },
  });
  const connection = await session();
  const ask = async () => {
    const { status, trailers } = await send2(connection, sent);
    return `${status} ${trailers['grpc-status'] ?? ''}`;
  };
  const first = ask();
  await until(() => calls.length === 1);
  expect(await ask()).toMatch(/^503|14$/);
  answered.resolve();
  expect(await first).toMatch(/^200 0?$/);
  expect(await ask()).toMatch(/^200 0?$/);
});

it('what one client has inflated holds up none of others', async () => {
  const zipped = gzipSync(Buffer.alloc(64 * 1024));
  const done: string[] = [];
  const ask = async (client: string) => {
    await inflate(zipped, { body: { client, hold: () => undefined }, maxBytes: MIB });
    done.push(client);
  };
  await Promise.all([...Array.from({ length: 64 }, () => ask('one')), ask('another')]);
  expect(done.indexOf('another')).toBeLessThan(32);
});

it('short answers that a client does not read count too', async () => {
  let over = 0;
  const { port } = await listening({
    limits: { unreadBytes: 4 * MIB },
    handler(exchange) {
      exchange.onClose(() => {
        over += 1;
      });
      exchange.respond(200, {});
      exchange.end(Buffer.alloc(60 * 1024));
    },
  });
  const session = await connect2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
  for (let count = 0; count < 100; count += 1) session.request().on('error', () => undefined);
  // 50 of them are half of what is free.
  await until(() => over >= 40);
});
