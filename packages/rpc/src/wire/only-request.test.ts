import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { retainedBytes } from '../../test/support/retained.js';
import { cancelled } from '../call/call-context.js';
import { Status } from '../status/code.js';
import { checkPrefix, inflate, OnlyRequest } from './requests.js';

const MAX_BYTES = 100;
const MEBIBYTE = 1024 * 1024;

function framed(payload: Uint8Array, { flag = 0, length = payload.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

/** A request as a call with this encoding and limit reads it. */
function newRequest(maxBytes = MAX_BYTES, encoding?: string) {
  const request = new OnlyRequest({
    checkPrefix: (flags, length) => checkPrefix(flags, length, { maxBytes, encoding }),
    hold: () => undefined,
    decompressed: ({ flags, data }) => (flags === 0 ? data : inflate(data, { maxBytes, encoding })),
    checkEnd: () => Promise.resolve(),
    reasonOfClose: cancelled,
  });
  return {
    read: (chunk: Buffer) => request.read(chunk),
    end: () => request.open(),
    get message() {
      return request.message;
    },
  };
}

interface Arrival {
  readonly pieceBytes?: number;
  readonly encoding?: string | undefined;
  readonly maxBytes?: number;
}

/** The message of a request that arrives in pieces of `pieceBytes`. */
async function read(bytes: Buffer, { pieceBytes = bytes.length, encoding, maxBytes = MAX_BYTES }: Arrival = {}) {
  const request = newRequest(maxBytes, encoding);
  for (let at = 0; at < bytes.length; at += pieceBytes) request.read(bytes.subarray(at, at + pieceBytes));
  await request.end();
  return request.message;
}

describe('the request of a unary call', () => {
  const payload = Buffer.from('a message of more than one piece');

  it.each([1, 2, 4, 5, 6, 7, 36, 37])('is its message, in pieces of %i bytes', async (pieceBytes) => {
    expect(await read(framed(payload), { pieceBytes })).toEqual(payload);
  });

  it('may be an empty message', async () => {
    expect(await read(framed(Buffer.alloc(0)))).toHaveLength(0);
    expect(await read(framed(Buffer.alloc(0)), { pieceBytes: 2 })).toHaveLength(0);
  });

  it('may have empty pieces', () => {
    const request = newRequest();
    for (const piece of [Buffer.alloc(0), framed(payload), Buffer.alloc(0)]) request.read(piece);
    request.end();
    expect(request.message).toEqual(payload);
  });

  it('takes no more memory in pieces of a byte than twice its length', () => {
    const bytes = framed(Buffer.alloc(MEBIBYTE / 8, 7));
    const request = newRequest(bytes.length);
    retainedBytes();
    const before = process.memoryUsage();
    for (let at = 0; at < bytes.length - 1; at += 1) request.read(bytes.subarray(at, at + 1));
    retainedBytes();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(MEBIBYTE);
    // Kept pieces would take 12 MiB.
    expect(heapUsed - before.heapUsed).toBeLessThan(4 * MEBIBYTE);
    request.read(bytes.subarray(-1));
    request.end();
    expect(request.message.equals(bytes.subarray(5))).toBe(true);
  });

  it('may be as long as the longest', async () => {
    expect(await read(framed(Buffer.alloc(MAX_BYTES, 7)))).toEqual(Buffer.alloc(MAX_BYTES, 7));
  });

  it('is a copy, so that it keeps nothing else that arrived with it', async () => {
    const bytes = framed(payload);
    const message = await read(bytes);
    bytes.fill(0);
    expect(message).toEqual(payload);
  });

  const faults = {
    nothing: [Buffer.alloc(0), Status.UNIMPLEMENTED, 'the request has no message; this method takes one'],
    'half of a prefix': [
      Buffer.alloc(3),
      Status.INTERNAL,
      'the request ends inside a message; send as many bytes as its prefix declares',
    ],
    'a part of a message': [framed(payload, { length: 40 }), Status.INTERNAL, 'ends inside a message'],
    'two messages': [Buffer.concat([framed(payload), framed(payload)]), Status.UNIMPLEMENTED, 'has a second message'],
    'a byte more': [Buffer.concat([framed(payload), Buffer.alloc(1)]), Status.UNIMPLEMENTED, 'has a second message'],
    'too much': [framed(payload, { length: 101 }), Status.RESOURCE_EXHAUSTED, 'larger than max (101 vs 100)'],
    'too much, in words': [Buffer.from('{"a": 1}'), Status.RESOURCE_EXHAUSTED, 'larger than max'],
    'a compressed message': [framed(payload, { flag: 1 }), Status.INTERNAL, 'the headers of the call name no encoding'],
    'another flag': [framed(payload, { flag: 2 }), Status.INTERNAL, 'begins with the byte 2'],
  } as const;

  it.each(Object.entries(faults))('is refused if it is %s, however it arrives', async (_name, [bytes, code, text]) => {
    for (const pieceBytes of [1, 3, 5, 8, Math.max(bytes.length, 1)]) {
      const error = { code, message: expect.stringContaining(text) };
      await expect(read(bytes, { pieceBytes })).rejects.toMatchObject(error);
    }
  });
});

describe('a compressed request of a unary call', () => {
  const payload = Buffer.alloc(MAX_BYTES, 'a message ');
  const packed = (bytes: Uint8Array) => framed(bytes, { flag: 1 });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('is its message, if that has at most the longest: %s', async (encoding, compress) => {
    expect(await read(packed(compress(payload)), { encoding })).toEqual(payload);
    expect(await read(packed(compress(payload)), { encoding, pieceBytes: 1 })).toEqual(payload);
    expect(await read(packed(compress(Buffer.alloc(0))), { encoding })).toHaveLength(0);
    expect(await read(packed(compress(payload)), { encoding, maxBytes: Number.POSITIVE_INFINITY })).toEqual(payload);
  });

  it('may have a message that is not compressed, which is there at once', () => {
    const request = newRequest(MAX_BYTES, 'gzip');
    request.read(framed(payload));
    expect(request.end()).toBeUndefined();
    expect(request.message).toEqual(payload);
  });

  const longer = Buffer.alloc(MAX_BYTES + 1);
  const bomb = Buffer.alloc(64 * MEBIBYTE);
  const gzipped = gzipSync(payload);
  const unreadable = 'can not be decompressed as';
  const tooLong = 'decompresses to more than 100 bytes';
  const faults = {
    'a byte too long, once decompressed': [gzipSync(longer), 'gzip', Status.RESOURCE_EXHAUSTED, tooLong],
    'too long by deflate': [deflateSync(longer), 'deflate', Status.RESOURCE_EXHAUSTED, tooLong],
    'of several parts that are too long together': [
      Buffer.concat([gzipped, gzipped]),
      ...['gzip', Status.RESOURCE_EXHAUSTED, tooLong],
    ],
    nothing: [Buffer.alloc(0), 'gzip', Status.INTERNAL, unreadable],
    'no gzip': [Buffer.from('no gzip'), 'gzip', Status.INTERNAL, `${unreadable} gzip`],
    'no deflate': [Buffer.from('no deflate'), 'deflate', Status.INTERNAL, `${unreadable} deflate`],
    'cut off': [gzipped.subarray(0, -9), 'gzip', Status.INTERNAL, unreadable],
    'compressed in another way': [deflateSync(payload), 'gzip', Status.INTERNAL, unreadable],
    'marked without an encoding': [gzipped, undefined, Status.INTERNAL, 'the headers of the call name no encoding'],
    'marked in a call of identity': [gzipped, 'identity', Status.INTERNAL, 'the headers of the call name no encoding'],
  } as const;

  it.each(Object.entries(faults))('is refused if it is %s', async (_name, [bytes, encoding, code, text]) => {
    const error = { code, message: expect.stringContaining(text) };
    await expect(read(packed(bytes), { encoding })).rejects.toMatchObject(error);
  });

  it('is no longer decompressed once it is too long', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const maxBytes = MEBIBYTE;
    const refused = read(packed(gzipSync(bomb)), { encoding: 'gzip', maxBytes });
    await expect(refused).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MEBIBYTE);
  });
});
