import { describe, expect, it } from '@jest/globals';
import { Status } from '../../status/code.js';
import { UnaryRequest } from './unary-request.js';

const MAX_BYTES = 100;
const MEBIBYTE = 1024 * 1024;

function framed(payload: Uint8Array, { flag = 0, length = payload.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

/** The message of a request that arrives in pieces of `pieceBytes`. */
function read(bytes: Buffer, pieceBytes = bytes.length): Buffer {
  const request = new UnaryRequest(MAX_BYTES);
  for (let at = 0; at < bytes.length; at += pieceBytes) request.read(bytes.subarray(at, at + pieceBytes));
  request.end();
  return request.message;
}

describe('the request of a unary call', () => {
  const payload = Buffer.from('a message of more than one piece');

  it.each([1, 2, 4, 5, 6, 7, 36, 37])('is its message, in pieces of %i bytes', (pieceBytes) => {
    expect(read(framed(payload), pieceBytes)).toEqual(payload);
  });

  it('may be an empty message', () => {
    expect(read(framed(Buffer.alloc(0)))).toHaveLength(0);
    expect(read(framed(Buffer.alloc(0)), 2)).toHaveLength(0);
  });

  it('may have empty pieces', () => {
    const request = new UnaryRequest(MAX_BYTES);
    for (const piece of [Buffer.alloc(0), framed(payload), Buffer.alloc(0)]) request.read(piece);
    request.end();
    expect(request.message).toEqual(payload);
  });

  it('takes no more memory in pieces of a byte than twice its length', () => {
    const request = new UnaryRequest(MEBIBYTE);
    const bytes = framed(Buffer.alloc(MEBIBYTE, 7));
    const before = process.memoryUsage();
    for (let at = 0; at < bytes.length - 1; at += 1) request.read(bytes.subarray(at, at + 1));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(8 * MEBIBYTE);
    // Kept pieces would take 100 MiB; the rest is what the collector hasn't freed yet.
    expect(heapUsed - before.heapUsed).toBeLessThan(64 * MEBIBYTE);
    request.read(bytes.subarray(-1));
    request.end();
    expect(request.message).toEqual(Buffer.alloc(MEBIBYTE, 7));
  });

  it('may be as long as the longest', () => {
    expect(read(framed(Buffer.alloc(MAX_BYTES, 7)))).toEqual(Buffer.alloc(MAX_BYTES, 7));
  });

  it('is a copy, so that it keeps nothing else that arrived with it', () => {
    const bytes = framed(payload);
    const message = read(bytes);
    bytes.fill(0);
    expect(message).toEqual(payload);
  });

  const faults = {
    nothing: [Buffer.alloc(0), Status.UNIMPLEMENTED, 'a unary call needs one request; send it'],
    'half of a prefix': [Buffer.alloc(3), Status.INTERNAL, 'the request ended inside a message; send it whole'],
    'a part of a message': [framed(payload, { length: 40 }), Status.INTERNAL, 'ended inside a message'],
    'two messages': [Buffer.concat([framed(payload), framed(payload)]), Status.UNIMPLEMENTED, 'and this has more'],
    'a byte more': [Buffer.concat([framed(payload), Buffer.alloc(1)]), Status.UNIMPLEMENTED, 'and this has more'],
    'too much': [framed(payload, { length: 101 }), Status.RESOURCE_EXHAUSTED, 'larger than max (101 vs 100)'],
    'too much, in words': [Buffer.from('{"a": 1}'), Status.RESOURCE_EXHAUSTED, 'larger than max'],
    'a compressed message': [framed(payload, { flag: 1 }), Status.INTERNAL, 'has no grpc-encoding'],
    'another flag': [framed(payload, { flag: 2 }), Status.INTERNAL, 'begins with the byte 2'],
  } as const;

  it.each(Object.entries(faults))('is refused if it is %s, however it arrives', (_name, [bytes, code, text]) => {
    for (const pieceBytes of [1, 3, 5, 8, Math.max(bytes.length, 1)]) {
      expect(() => read(bytes, pieceBytes)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(text) }),
      );
    }
  });
});
