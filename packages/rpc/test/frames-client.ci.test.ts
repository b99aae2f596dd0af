/**
 * A client that speaks frames and breaks their rules ends its own connection at most: the process of the server lives, what it keeps is
 * bounded, and the calls of others pass.
 */

import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { UnaryUnsafeRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { Call } from '@rondo/contracts/rondo/frames/v1/frames';
import type { ServerCall } from '../src/exports/call.js';
import { Status } from '../src/exports/status.js';
import {
  CALL_WINDOW_BYTES,
  FRAMES_VERSION,
  KIND,
  MAX_BODY_BYTES,
  MAX_CALLS,
  MESSAGE_COST,
  PIECE_BYTES,
} from '../src/transport/frames/frames.js';
import { SERVICE_LIMITS } from '../src/wire/limits.js';
import { connectRaw, frameOf, type Sent, toBytes } from './support/raw-frames.js';
import { retainedBytes } from './support/retained.js';
import { socketsOfATest } from './support/sockets.js';
import { atRest, deferred, until } from './support/wait.js';

const { closers, connectTo, startServer } = socketsOfATest();

/** A server, and another client of it that is connected. */
async function start(...[handlers, options]: Parameters<typeof startServer>) {
  const server = await startServer(handlers, options);
  const { client } = connectTo([server.address], { known: { frames: true } });
  await client.unary({});
  return { server, client };
}

const hello: Sent = { hello: { version: FRAMES_VERSION } };

/** A connection whose frames a test writes by hand. */
function attack({ address }: { readonly address: string }, first: Sent = hello) {
  const raw = connectRaw(address, first);
  closers.push(() => raw.socket.destroy());
  return raw;
}

const path = '/rondo.conformance.v1.ConformanceService/Unary';
const streaming = '/rondo.conformance.v1.ConformanceService/ClientStream';
const call = { id: 1, method: 0, path, message: Buffer.alloc(0) };
/** A call that isn't answered. */
const waiting = { ...call, path: `${path}Unsafe` };
const stream = { ...call, path: streaming, message: undefined };
const entry = { key: 'key-bin', value: Buffer.from('v') };
/** A call with a body of these bytes. */
const callOf = (hex: string): Buffer => frameOf(KIND.call, Buffer.from(hex, 'hex'));
/** A handler that reads and answers nothing. */
const never = () => new Promise<never>(() => undefined);
const entries = (count: number, key: string) => Array.from({ length: count }, () => ({ ...entry, key }));
const piece = (length: number, more: boolean, totalBytes = 0): Sent => ({
  message: { id: 1, data: Buffer.alloc(length), more, totalBytes },
});

const MIB = 1_024 * 1_024;

type Case = readonly [what: string, requests: readonly Sent[], why: string];
const CASES: readonly Case[] = [
  ['hello twice', [hello], 'hello comes once'],
  [
    'an id that is too large',
    [{ call: { ...call, id: MAX_CALLS + 1 } }],
    `from 1 to ${MAX_CALLS}; it is ${MAX_CALLS + 1}`,
  ],
  ['the id 0', [{ call: { ...call, id: 0 } }], `it is 0`],
  ['a frame of no kind', [frameOf(99, Buffer.alloc(0))], 'there is no frame of the kind 99'],
  ['a frame of the server', [{ welcome: { version: 2 } }], 'a client sends no frame of the kind 2'],
  ['a frame that is too long', [frameOf(KIND.call, Buffer.alloc(MAX_BODY_BYTES + 1))], 'a frame has at most'],
  ['a request after its half-close', [{ call: waiting }, piece(1, false)], 'after the half-close'],
  ['an empty piece', [{ call: stream }, piece(0, true, 5)], 'a piece of a message is empty'],
  ['a message longer than it said', [{ call: stream }, piece(9, true, 5)], 'a message is longer than the 5 bytes'],
  [
    'a message shorter than it said',
    [{ call: stream }, piece(2, true, 5), piece(2, false)],
    'a message ends after 4 of the 5 bytes',
  ],
  [
    'a half-close inside a message',
    [{ call: stream }, piece(2, true, 5), { halfClose: { id: 1 } }],
    'a half-close of the call 1',
  ],
  [
    'a half-close of a call that has its request',
    [{ call: waiting }, { halfClose: { id: 1 } }],
    'a half-close of the call 1',
  ],
  ['more credit than there is', [{ credit: { id: 0, bytes: 2 ** 32 - 1 } }], 'the credit is more than'],
  [
    'more than its credit',
    [
      { call: stream },
      ...Array.from({ length: 2 + CALL_WINDOW_BYTES / (PIECE_BYTES + MESSAGE_COST) }, () => piece(PIECE_BYTES, false)),
    ],
    'beyond the credit',
  ],
  [
    'a negative id',
    [callOf(`08ffffffffffffffffff011a${path.length.toString(16)}${Buffer.from(path).toString('hex')}`)],
    `it is ${2 ** 32 - 1}`,
  ],
  [
    'an id twice',
    [{ call: { ...call, path: streaming, message: undefined } }, { call: { ...call, path: '' } }],
    'there is an open call with the id 1',
  ],
  ['a method without a path', [{ call: { ...call, path: '' } }], 'the number of a method is wrong: 0'],
  ['a method out of order', [{ call: { ...call, method: 7 } }], 'the number of a method is wrong: 7'],
  ['a path for a method that has one', [{ call }, { call: { ...call, id: 2 } }], 'the number of a method is wrong: 0'],
  ['a long request', [{ call: { ...call, message: Buffer.alloc(65_537) } }], 'it has 65537'],
  ['a path that is none', [{ call: { ...call, path: '/a b/c' } }], 'the path of a method has at most'],
  ['a path without an end', [{ call: { ...call, path: `/${'a'.repeat(256)}` } }], 'the path of a method has at most'],
  ['too many entries', [{ call: { ...call, metadata: entries(129, 'key-bin') } }], '128 entries'],
  ['a text of too many entries', [{ call: { ...call, metadata: entries(129, 'key') } }], '128 entries'],
  ['a long entry', [{ call: { ...call, metadata: [{ ...entry, value: Buffer.alloc(16_384, 'v') }] } }], '16384 bytes'],
  [
    'metadata that is too long',
    [
      {
        call: { ...call, metadata: Array.from({ length: 5 }, () => ({ ...entry, value: Buffer.alloc(16_000, 'v') })) },
      },
    ],
    'at most 65536 bytes',
  ],
  ['a key in capitals', [{ call: { ...call, metadata: entries(1, 'Key') } }], 'the entry "Key"'],
  ['no key', [{ call: { ...call, metadata: entries(1, '') } }], 'the entry ""'],
  [
    'a text of two lines',
    [{ call: { ...call, metadata: [{ key: 'key', value: Buffer.from('a\nb') }] } }],
    'the entry "key"',
  ],
  ['a number of eleven bytes', [callOf('0880808080808080808080808001')], 'a number is longer than ten bytes'],
  ['a field of no wire type', [callOf('0f')], 'a field has the wire type 7'],
  ['no protobuf', [callOf('ffff')], 'a message ends in the middle of a field'],
  ['no frames', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'there is no frame of the kind 71'],
];

describe('a client that sends', () => {
  it.each(CASES)('%s loses its connection, and others lose nothing', async (_what, requests, why) => {
    const { server, client } = await start({ unaryUnsafe: never, clientStream: never });
    const { send, closed } = attack(server);
    for (const request of requests) send(request);
    expect(await closed).toContain(why);
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });

  it.each<[string, Sent, string]>([
    ['a call before hello', { call }, 'the first frame must be hello'],
    ['a version that is none', { hello: { version: 0 } }, 'there is no version 0'],
  ])('%s makes no calls', async (_what, first, why) => {
    const { server, client } = await start();
    expect(await attack(server, first).closed).toContain(why);
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });

  it('a preface that is none is closed', async () => {
    const { server } = await start();
    const socket = connect({ host: '127.0.0.1', port: server.port });
    closers.push(() => socket.destroy());
    socket.write(Buffer.from('f2524f4e444f030a', 'hex'));
    await new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    expect(socket.bytesRead).toBe(0);
  });

  it('its frames byte by byte is served', async () => {
    const { server } = await start();
    const { socket, ends } = attack(server, Buffer.alloc(0));
    const bytes = Buffer.concat([toBytes(hello), toBytes({ call: { ...call, message: Buffer.from([0x12, 1, 97]) } })]);
    for (const byte of bytes) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    await until(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ id: 1, failure: undefined });
  });

  it('odd frames that keep to the contract is served', async () => {
    const { server } = await start();
    const { send, ends, socket } = attack(server, { hello: { version: 99 } });
    for (let left = 20_000; left > 0; left -= 1) send({ cancel: { id: 9 } });
    send({ message: { id: 9, data: Buffer.alloc(9) }, halfClose: { id: 9 }, credit: { id: 9, bytes: 1 } });
    send({ call: { ...call, timeoutMs: 2 ** 32 - 1 } });
    await until(() => ends.length === 1);
    send({ call: { ...call, path: '', timeoutMs: 0 } });
    send({ call: { ...call, id: 2, method: 1, path: '/none.None/None' } });
    await until(() => ends.length === 3);
    const metadata = ['__proto__', 'te', 'grpc-timeout'].map((key) => ({ ...entry, key }));
    send({ call: { ...call, path: '', metadata } });
    send({ call: { ...call, id: 3, path: '', message: Buffer.from('ff', 'hex') } });
    await until(() => ends.length === 5);
    const codes = ends.map(({ id, failure }) => [id, failure?.code]);
    expect(codes.slice(0, 1)).toEqual([[1, undefined]]);
    expect(codes.slice(1, 3).sort()).toEqual([
      [1, Status.DEADLINE_EXCEEDED],
      [2, Status.UNIMPLEMENTED],
    ]);
    expect(codes.slice(3).sort()).toEqual([
      [1, undefined],
      [3, Status.INVALID_ARGUMENT],
    ]);
    expect(socket.destroyed).toBe(false);
  });

  it.each<[string, readonly Sent[], Status]>([
    ['no request', [{ halfClose: { id: 1 } }], Status.UNIMPLEMENTED],
    ['two requests', [piece(0, false), piece(0, false)], Status.UNIMPLEMENTED],
    ['a request that is too long', [piece(1, true, 4 * MIB + 1)], Status.RESOURCE_EXHAUSTED],
    [
      'a request that is no gzip',
      [{ message: { id: 1, data: Buffer.from('no'), compressed: true }, halfClose: { id: 1 } }],
      Status.INTERNAL,
    ],
  ])('%s fails that call alone', async (_what, frames, code) => {
    const { server } = await start();
    const { send, ends } = attack(server);
    send({ call: { ...call, message: undefined } });
    for (const frame of frames) send(frame);
    send({ call: { ...call, id: 2, path: '' } });
    await until(() => ends.length === 2);
    expect(ends.map(({ id, failure }) => [id, failure?.code]).sort()).toEqual([
      [1, code],
      [2, undefined],
    ]);
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
    const { send, socket } = attack(server);
    begun = 0;
    for (let id = 1; id <= 500; id += 1) send({ call: { ...waiting, id, path: id === 1 ? waiting.path : '' } });
    await until(() => begun === 500);
    socket.destroy();
    await until(() => ended === 500);
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });
});

describe('a client that begins calls and cancels them', () => {
  /** A connection that has sent so many such calls, and how many of them have begun. */
  async function flood(calls: number, options: Parameters<typeof startServer>[1] = {}) {
    let begun = 0;
    // A handler that doesn't end with its call would count in the server's bound of calls.
    const unaryUnsafe = (_request: unknown, { signal }: ServerCall) => {
      begun += 1;
      return new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const { server, client } = await start({ unaryUnsafe }, options);
    const raw = attack(server);
    const frames = Array.from({ length: calls }, (_, index) => [
      toBytes({ call: { ...waiting, path: index === 0 ? waiting.path : '' } }),
      toBytes({ cancel: { id: 1 } }),
    ]);
    raw.send(Buffer.concat(frames.flat()));
    return { client, raw, begun: () => begun };
  }

  it('does not hold up the calls of others', async () => {
    const CALLS = 10_000;
    const { client, begun } = await flood(CALLS);
    await until(() => begun() > 0);
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
    expect(begun()).toBeLessThan(CALLS / 10);
  });

  it('more often than over HTTP/2 loses its connection, and others lose nothing', async () => {
    // By a clock that stands still, as a busy machine may take seconds for so many.
    const clock = new ManualClock();
    const { client, raw } = await flood(SERVICE_LIMITS.resetsAtOnce + 1, { clock, router: { clock } });
    expect(await raw.closed).toContain('cancelled more than 10000 calls a second');
    expect(await client.unary({ text: 'a' })).toMatchObject({ text: 'a' });
  });
});

describe('a client that pads its frames', () => {
  it('does not make the server keep the padding', async () => {
    const CALLS = 300;
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
    const { send, ends } = attack(server);
    const padding = Buffer.concat([Buffer.from([0x7a, 0x80, 0x80, 0x08]), Buffer.alloc(2 ** 17)]);
    const before = retainedBytes();
    for (let id = 1; id <= CALLS; id += 1) {
      const message = Buffer.from([0x12, 1, 97]);
      const body = Call.encode(Call.fromPartial({ ...call, id, path: id === 1 ? path : '', message })).finish();
      send(frameOf(KIND.call, Buffer.concat([padding, body])));
      await until(() => begun === id);
    }
    await until(() => retainedBytes() - before < 15 * MIB);
    go.resolve();
    await until(() => ends.length === CALLS);
  });
});

describe('a client that sends long requests', () => {
  it('whose calls are not answered loses its connection', async () => {
    // Its contract sets no timeout, so that no call ends by itself.
    let begun = 0;
    const unaryUnsafe = () => {
      begun += 1;
      return new Promise<never>(() => undefined);
    };
    const { server, client } = await start({ unaryUnsafe });
    const { send, closed } = attack(server);
    let reason: string | undefined;
    void closed.then((said) => {
      reason = said ?? '';
    });
    begun = 0;
    const request = UnaryUnsafeRequest.fromPartial({ behaviour: { errorReason: 'x'.repeat(60_000) } });
    const message = Buffer.from(UnaryUnsafeRequest.encode(request).finish());
    for (let id = 1; id <= 1_200; id += 1)
      send({ call: { ...waiting, id, path: id === 1 ? waiting.path : '', message } });
    await until(() => reason !== undefined || begun === 1_200);
    expect(reason).toContain('the requests of open calls may have 67108864 bytes together');
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
    const { socket, send } = attack(server);
    socket.pause();
    const CALLS = 5_000;
    for (let index = 0; index < CALLS; index += 1) {
      send({ call: { ...call, id: (index % 1_000) + 1, path: index === 0 ? path : '' } });
      if (index % 10 === 0) await new Promise(setImmediate);
    }
    expect(await atRest(() => runs)).toBeLessThan(CALLS / 4);
    expect(await client.unary({})).toMatchObject({ payload: { length: 10_000 } });
  });

  it('of one call stops that call alone', async () => {
    let sent = 0;
    const payload = Buffer.alloc(16_000);
    const { server } = await start({
      async *serverStream() {
        for (; ; sent += 1) yield { payload };
      },
    });
    const { send, ends } = attack(server);
    // It gives no credit.
    send({ call: { ...call, path: '/rondo.conformance.v1.ConformanceService/ServerStream' } });
    expect(await atRest(() => sent)).toBeLessThan(2 * (CALL_WINDOW_BYTES / payload.length) + 10);
    send({ call: { ...call, id: 2, method: 1, path } });
    await until(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ id: 2, failure: undefined });
  });
});
