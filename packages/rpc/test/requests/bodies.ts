import { deflateSync, gzipSync } from 'node:zlib';
import { message } from '../attacks/frames.js';
import { type BadRequest, type Outcome, request } from './request.js';

const METHODS = ['Unary', 'ClientStream', 'ServerStream', 'BidiStream'];

interface Body {
  readonly name: string;
  readonly outcome: Outcome;
  readonly bytes: Uint8Array;
  readonly encoding?: string;
}

const bomb = Buffer.alloc(64 * 1024 * 1024);
const packed = (payload: Uint8Array) => message(payload, { flag: 1 });

/** A message whose length says 20 bytes, with 10. */
const CUT = message(Buffer.alloc(10), { length: 20 });

/** These end alike for every kind of method. */
const bodies: readonly Body[] = [
  { name: 'a tag without end', outcome: 'INVALID_ARGUMENT', bytes: message(Buffer.from([0xff, 0xff, 0xff])) },
  {
    name: 'a length beyond the message',
    outcome: 'INVALID_ARGUMENT',
    bytes: message(Buffer.from([0x12, 0xff, 0xff, 0xff, 0x0f])),
  },
  { name: 'a fixed number that is cut off', outcome: 'INVALID_ARGUMENT', bytes: message(Buffer.from([0x7d, 0x01])) },
  {
    name: 'a million groups in each other',
    outcome: 'INVALID_ARGUMENT',
    bytes: message(Buffer.alloc(1_000_000, 0x7b)),
  },
  { name: 'a number without end', outcome: 'INVALID_ARGUMENT', bytes: message(Buffer.alloc(64, 0xff)) },
  { name: '5 MiB', outcome: 'RESOURCE_EXHAUSTED', bytes: message(Buffer.alloc(5 * 1024 * 1024)) },
  {
    name: 'a message that says it has 4 GiB',
    outcome: 'RESOURCE_EXHAUSTED',
    bytes: message(Buffer.alloc(1), { length: 2 ** 32 - 1 }),
  },
  { name: 'no gRPC, but JSON', outcome: 'RESOURCE_EXHAUSTED', bytes: Buffer.from('{"text":"hello"}') },
  {
    name: 'an unknown encoding',
    outcome: 'UNIMPLEMENTED',
    bytes: packed(Buffer.from('x')),
    encoding: 'zstd',
  },
  { name: 'the encoding __proto__', outcome: 'UNIMPLEMENTED', bytes: packed(Buffer.from('x')), encoding: '__proto__' },
  { name: 'gzip of nothing', outcome: 'INTERNAL', bytes: packed(Buffer.alloc(0)), encoding: 'gzip' },
  {
    name: 'gzip with more behind it',
    outcome: 'INTERNAL',
    bytes: packed(Buffer.concat([gzipSync('a'), Buffer.from('behind')])),
    encoding: 'gzip',
  },
  { name: 'gzip that is none', outcome: 'INTERNAL', bytes: packed(Buffer.from('no gzip')), encoding: 'gzip' },
  {
    name: 'gzip that is cut off',
    outcome: 'INTERNAL',
    bytes: packed(gzipSync('whole').subarray(0, 12)),
    encoding: 'gzip',
  },
  { name: 'gzip of 64 MiB', outcome: 'RESOURCE_EXHAUSTED', bytes: packed(gzipSync(bomb)), encoding: 'gzip' },
  { name: 'deflate that is none', outcome: 'INTERNAL', bytes: packed(Buffer.from('no deflate')), encoding: 'deflate' },
  { name: 'deflate of 64 MiB', outcome: 'RESOURCE_EXHAUSTED', bytes: packed(deflateSync(bomb)), encoding: 'deflate' },
];

/** Requests whose messages contradict their frame, their encoding or their contract, or are too few or too many. */
export const messages: readonly BadRequest[] = [
  ...bodies.flatMap(({ name, outcome, bytes, encoding }) =>
    METHODS.map((method) =>
      request(`${method}: ${name}`, outcome, {
        method,
        body: bytes,
        headers: encoding ? { 'grpc-encoding': encoding } : {},
      }),
    ),
  ),
  ...METHODS.flatMap((method) => {
    const flagged = { method, body: packed(Buffer.from('x')) };
    return [
      request(`${method}: the flag without an encoding`, 'INTERNAL', flagged),
      request(`${method}: identity, and the flag`, 'INTERNAL', {
        ...flagged,
        headers: { 'grpc-encoding': 'identity' },
      }),
    ];
  }),
  ...['Unary', 'ServerStream'].flatMap((method) => [
    request(`${method}: no message`, 'UNIMPLEMENTED', { method, body: Buffer.alloc(0) }),
    request(`${method}: two messages`, 'UNIMPLEMENTED', { method, body: Buffer.concat([message(), message()]) }),
    request(`${method}: 1,000 messages`, 'UNIMPLEMENTED', { method, body: Buffer.alloc(5_000) }),
    request(`${method}: half of a head`, 'INTERNAL', { method, body: Buffer.alloc(3) }),
    request(`${method}: a message that is cut off`, 'INTERNAL', { method, body: CUT }),
    request(`${method}: a message and half of another`, 'UNIMPLEMENTED', {
      method,
      body: Buffer.concat([message(), Buffer.alloc(3)]),
    }),
  ]),
  ...['ClientStream', 'BidiStream'].flatMap((method) => [
    request(`${method}: half of a head`, 'INTERNAL', { method, body: Buffer.alloc(3) }),
    request(`${method}: a message that is cut off`, 'INTERNAL', { method, body: CUT }),
    request(`${method}: no message`, 'OK', { method, body: Buffer.alloc(0) }),
    request(`${method}: a message and half of another`, 'INTERNAL', {
      method,
      body: Buffer.concat([message(), Buffer.alloc(3)]),
    }),
  ]),
  ...[2, 255].flatMap((flag) => {
    const body = message(Buffer.alloc(0), { flag });
    return ['Unary', 'ClientStream'].map((method) =>
      request(`${method}: the flag ${flag}`, 'INTERNAL', { method, body }),
    );
  }),
  request('Unary: a text that is no UTF-8', 'INVALID_ARGUMENT', {
    body: message(Buffer.from([0x12, 0x02, 0xc3, 0x28])),
  }),
  request('BidiStream: 10,000 empty messages', 'OK', { method: 'BidiStream', body: Buffer.alloc(50_000) }),
  request('Unimplemented: a message', 'UNIMPLEMENTED', { method: 'Unimplemented' }),
  request('a tag of field 0', 'INVALID_ARGUMENT', { body: message(Buffer.from([0, 0])) }),
];
