import { describe, expect, it } from '@jest/globals';
import { MessageFraming } from './message-framing.js';

/** Messages of these lengths, as gRPC frames them. */
function framed(...lengths: readonly number[]): Buffer {
  return Buffer.concat(
    lengths.map((length) => {
      const message = Buffer.alloc(5 + length);
      message.writeUInt32BE(length, 1);
      return message;
    }),
  );
}

describe('MessageFraming', () => {
  it('is whole before the first byte, and after each message', () => {
    const framing = new MessageFraming();
    expect(framing.whole).toBe(true);
    framing.read(framed(0));
    expect(framing.whole).toBe(true);
    framing.read(framed(3, 0, 70_000));
    expect(framing.whole).toBe(true);
  });

  const bytes = framed(3, 0, 12);
  const ends = new Set([0, 8, 13, 30]);

  it.each(Array.from({ length: bytes.length + 1 }, (_, cut) => cut))('tells a stream cut after %i bytes', (cut) => {
    for (const chunkBytes of [1, 2, 7, 100]) {
      const framing = new MessageFraming();
      for (let at = 0; at < cut; at += chunkBytes) framing.read(bytes.subarray(at, Math.min(cut, at + chunkBytes)));
      expect(framing.whole).toBe(ends.has(cut));
    }
  });
});
