/**
 * A client that speaks gRPC and breaks the contract of tunnels ends its own tunnel at most: the process of the server lives,
 * what it keeps is bounded, and the calls of others pass.
 */

import * as http2 from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { UnaryUnsafeRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { ConnectResponse } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { MAX_CALLS, TUNNEL_PATH } from '../src/transport/tunnel/frames.js';
import { type Sent, toBytes, tunnelOver } from './support/plain-tunnel.js';
import { retainedBytes } from './support/retained.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { openTunnel, tellWay } from './support/tunnel.js';
import { atRest, deferred, until } from './support/wait.js';

const { closers, connectTo, startServer } = socketsOfATest();

/** A server, and an innocent client whose tunnel is open. */
async function start(handlers: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(handlers, { router: { middleware: [tellWay] } });
  const { client } = connectTo([server.address], { known: { tunnel: true } });
  await openTunnel(client);
  return { server, client };
}

const hello: Sent = { hello: { version: 1 } };

/** A tunnel that a test writes by hand. */
function attack({ address }: RpcServer, first: Sent = hello) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  closers.push(() => client.close());
  const identity = (bytes: Buffer): Buffer => bytes;
  const tunnel = tunnelOver(client.makeBidiStreamRequest(TUNNEL_PATH, identity, identity), first);
  const replies: ConnectResponse['replies'] = [];
  tunnel.stream.on('data', (bytes: Buffer) => replies.push(...ConnectResponse.decode(bytes).replies));
  return { ...tunnel, replies };
}

const path = '/rondo.conformance.v1.ConformanceService/Unary';
const call = { id: 0, method: 0, path, message: Buffer.alloc(0) };
const entry = { key: 'key-bin', value: Buffer.from('v') };
/** A message with one call of these bytes. */
const callOf = (hex: string): Buffer => Buffer.concat([Buffer.from([0x12, hex.length / 2]), Buffer.from(hex, 'hex')]);
const entries = (count: number, key: string) => Array.from({ length: count }, () => ({ ...entry, key }));

const MIB = 1_024 * 1_024;

type Case = readonly [what: string, requests: readonly Sent[], why: string];
const CASES: readonly Case[] = [
  ['hello twice', [hello], 'hello comes once'],
  [
    'an id that is too large',
    [{ calls: [{ ...call, id: MAX_CALLS }] }],
    `must be below ${MAX_CALLS}; it is ${MAX_CALLS}`,
  ],
  [
    'a negative id',
    [callOf(`08ffffffffffffffffff011a${path.length.toString(16)}${Buffer.from(path).toString('hex')}`)],
    `it is ${2 ** 32 - 1}`,
  ],
  ['an id twice', [{ calls: [call, { ...call, path: '' }] }], 'there is an unanswered call with the id 0'],
  ['a method without a path', [{ calls: [{ ...call, path: '' }] }], 'the number of a method is wrong: 0'],
  ['a method out of order', [{ calls: [{ ...call, method: 7 }] }], 'the number of a method is wrong: 7'],
  ['a path for a method that has one', [{ calls: [call, { ...call, id: 1 }] }], 'the number of a method is wrong: 0'],
  ['a long request', [{ calls: [{ ...call, message: Buffer.alloc(65_537) }] }], 'it has 65537'],
  ['a path that is none', [{ calls: [{ ...call, path: '/a b/c' }] }], 'the path of a method has at most'],
  [
    'a path without an end',
    [{ calls: [{ ...call, path: `/${'a'.repeat(256)}` }] }],
    'the path of a method has at most',
  ],
  ['too many entries', [{ calls: [{ ...call, metadata: entries(129, 'key-bin') }] }], '128 entries'],
  ['a text of too many entries', [{ calls: [{ ...call, metadata: entries(129, 'key') }] }], '128 entries'],
  [
    'a long entry',
    [{ calls: [{ ...call, metadata: [{ ...entry, value: Buffer.alloc(16_384, 'v') }] }] }],
    '16384 bytes',
  ],
  [
    'metadata that is too long',
    [
      {
        calls: [
          { ...call, metadata: Array.from({ length: 5 }, () => ({ ...entry, value: Buffer.alloc(16_000, 'v') })) },
        ],
      },
    ],
    'at most 65536 bytes',
  ],
  ['a key in capitals', [{ calls: [{ ...call, metadata: entries(1, 'Key') }] }], 'the entry "Key"'],
  ['no key', [{ calls: [{ ...call, metadata: entries(1, '') }] }], 'the entry ""'],
  [
    'a text of two lines',
    [{ calls: [{ ...call, metadata: [{ key: 'key', value: Buffer.from('a\nb') }] }] }],
    'the entry "key"',
  ],
  ['a number of eleven bytes', [callOf('0880808080808080808080808001')], 'a number is longer than ten bytes'],
  ['a field of no wire type', [callOf('0f')], 'a field has the wire type 7'],
  ['no protobuf', [Buffer.from('ffff', 'hex')], 'a message ends in the middle of a field'],
];

describe('a client that sends', () => {
  it.each(CASES)('%s loses its tunnel, and others lose nothing', async (_what, requests, why) => {
    const { server, client } = await start();
    const { send, ended } = attack(server);
    for (const request of requests) send(request);
    expect(await ended).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details: expect.stringContaining(why) });
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });

  it.each([
    ['a call before hello', { calls: [call] }, 'the first frame must be hello'],
    ['a version that is none', { hello: { version: 0 } }, 'there is no version 0'],
  ])('%s gets no tunnel', async (_what, first, why) => {
    const { server, client } = await start();
    const { ended } = attack(server, first);
    expect(await ended).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details: expect.stringContaining(why) });
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });

  it('odd frames that keep to the contract is served', async () => {
    const { server } = await start();
    const { send, replies, stream, ended } = attack(server, { hello: { version: 99 } });
    send({ calls: [{ id: 5, cancel: true }, ...Array.from({ length: 20_000 }, () => ({ id: 9, cancel: true }))] });
    send({ calls: [{ ...call, timeoutMs: 2 ** 32 - 1 }] });
    await until(() => replies.length === 1);
    send({
      calls: [
        { ...call, path: '', timeoutMs: 0 },
        { ...call, id: 1, method: 1, path: '/none.None/None' },
      ],
    });
    await until(() => replies.length === 3);
    send({
      calls: [{ ...call, path: '', metadata: ['__proto__', 'te', 'grpc-timeout'].map((key) => ({ ...entry, key })) }],
    });
    send({ calls: [{ ...call, id: 2, path: '', message: Buffer.from('ff', 'hex') }] });
    stream.end();
    expect(await ended).toMatchObject({ code: grpc.status.OK });
    const codes = replies.map(({ id, failure }) => [id, failure?.code]);
    expect(codes.slice(0, 1)).toEqual([[0, undefined]]);
    expect(codes.slice(1, 3).sort()).toEqual([
      [0, Status.DEADLINE_EXCEEDED],
      [1, Status.UNIMPLEMENTED],
    ]);
    expect(codes.slice(3).sort()).toEqual([
      [0, undefined],
      [2, Status.INVALID_ARGUMENT],
    ]);
  });
});

describe('a client that calls a method which streams through a tunnel', () => {
  it.each(['ServerStream', 'ClientStream', 'BidiStream'])('is refused, and takes no slot of %s', async (name) => {
    const streaming = `/rondo.conformance.v1.ConformanceService/${name}`;
    const admission = { maxCalls: { methods: { [streaming]: 2 } } };
    const router = createRouter({ services: [conformanceService()], admission });
    const server = await serve(router, { listen: '127.0.0.1:0' });
    closers.push(() => server.drain(0));
    const { send, replies, stream, ended } = attack(server);
    const calls = Array.from({ length: 100 }, (_, id) => ({ ...call, id, path: id === 0 ? streaming : '' }));
    send({ calls });
    await until(() => replies.length === calls.length);
    expect(new Set(replies.map(({ failure }) => failure?.code))).toEqual(new Set([Status.UNIMPLEMENTED]));
    expect(replies[0]?.failure).toMatchObject({ notHandled: streaming });
    stream.end();
    await ended;
    const shown = router.admission.inspect().find(({ method }) => method.path === streaming);
    expect(shown).toMatchObject({ inFlight: 0, refused: new Map() });
  });
});

describe('a client that leaves', () => {
  it('in the middle of its calls ends them', async () => {
    let begun = 0;
    let ended = 0;
    const { server, client } = await start({
      unaryUnsafe(_request, { signal }) {
        begun += 1;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            ended += 1;
            reject(signal.reason);
          });
        });
      },
    });
    const { send, stream } = attack(server);
    const unsafe = (id: number) => ({ ...call, id, path: id === 0 ? `${path}Unsafe` : '' });
    send({ calls: Array.from({ length: 500 }, (_, id) => unsafe(id)) });
    await until(() => begun === 500);
    stream.cancel();
    await until(() => ended === 500);
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });
});

describe('a client that pads its messages', () => {
  it('does not make the server keep the padding', async () => {
    const CALLS = 150;
    const go = deferred();
    let begun = 0;
    const { server } = await start({
      async unary({ text }) {
        if (text !== 'a') return {};
        begun += 1;
        await go.promise;
        return {};
      },
    });
    const { send, replies } = attack(server);
    const padding = Buffer.concat([Buffer.from([0x7a, 0x80, 0x80, 0x20]), Buffer.alloc(2 ** 19)]);
    const before = retainedBytes();
    for (let id = 0; id < CALLS; id += 1) {
      send(
        Buffer.concat([
          padding,
          toBytes({ calls: [{ ...call, id, path: id === 0 ? path : '', message: Buffer.from([0x12, 1, 97]) }] }),
        ]),
      );
      await until(() => begun === id + 1);
    }
    await until(() => retainedBytes() - before < 30 * MIB);
    go.resolve();
    await until(() => replies.length === CALLS);
  });
});

describe('a client that sends long requests', () => {
  it('whose calls are not answered loses its tunnel', async () => {
    // Its contract sets no timeout, so that no call ends by itself.
    let begun = 0;
    const unaryUnsafe = () => {
      begun += 1;
      return new Promise<never>(() => undefined);
    };
    const { server, client } = await start({ unaryUnsafe });
    const { send, ended } = attack(server);
    let status: Awaited<typeof ended> | undefined;
    void ended.then((end) => {
      status = end;
    });
    const request = UnaryUnsafeRequest.fromPartial({ behaviour: { errorReason: 'x'.repeat(60_000) } });
    const message = Buffer.from(UnaryUnsafeRequest.encode(request).finish());
    for (let id = 0; id < 1_200; id += 1) {
      send({ calls: [{ ...call, id, path: id === 0 ? `${path}Unsafe` : '', message }] });
    }
    const details = 'the requests of unanswered calls may have 67108864 bytes together';
    await until(() => status !== undefined || begun === 1_200);
    expect(status).toMatchObject({ details: expect.stringContaining(details) });
    expect(await client.unary({})).toMatchObject({});
  });
});

describe('a client that does not read its replies', () => {
  it('is not read either', async () => {
    let runs = 0;
    const payload = Buffer.alloc(10_000);
    const { server, client } = await start({
      unary() {
        runs += 1;
        return { payload };
      },
    });
    runs = 0;
    // No listener for data: the window of its stream fills.
    const session = http2.connect(`http://${server.address}`);
    closers.push(() => session.destroy());
    const headers = { ':method': 'POST', ':path': TUNNEL_PATH, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(headers);
    const write = (sent: Sent) => {
      const bytes = toBytes(sent);
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(bytes.length, 1);
      stream.write(Buffer.concat([prefix, bytes]));
    };
    write(hello);
    const CALLS = 5_000;
    for (let index = 0; index < CALLS; index += 10) {
      const calls = Array.from({ length: 10 }, (_, place) => {
        const first = index + place === 0;
        return { ...call, id: (index + place) % 1_000, path: first ? path : '' };
      });
      write({ calls });
      await new Promise(setImmediate);
    }
    expect(await atRest(() => runs)).toBeLessThan(CALLS / 4);
    expect(await client.unary({})).toMatchObject({ payload: { length: 10_000 } });
  });
});
