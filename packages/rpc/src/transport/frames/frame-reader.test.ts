import { describe, expect, it } from '@jest/globals';
import { FieldReader, toKeep } from './frame-reader.js';
import { bytesTag } from './frames.js';

/** A message with one field of so many bytes, which came in a read of 64 KiB. */
function inRead(bytes: number): FieldReader {
  const read = Buffer.from(new ArrayBuffer(64 * 1024));
  read.set([bytesTag(1), bytes]);
  return new FieldReader(read.subarray(0, 2 + bytes));
}

describe('what a field keeps', () => {
  it('is not all that was read from the socket with it', () => {
    const fields = inRead(100);
    fields.tag();
    const kept = toKeep(fields.bytes());
    expect(kept).toEqual(Buffer.alloc(100));
    expect(kept.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
  });
});
