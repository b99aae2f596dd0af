import { describe, expect, it } from '@jest/globals';
import { Gathered } from './gathered.js';

/** Chunks of these lengths that each are a part of a large read. */
const chunksOf = (...lengths: readonly number[]) =>
  lengths.map((length, index) => Buffer.alloc(64 * 1024, index).subarray(7, 7 + length));

describe('gathered bytes', () => {
  it.each([
    ['none', []],
    ['one chunk', chunksOf(10)],
    ['chunks that fill their blocks', chunksOf(10, 4_096, 1)],
    ['chunks across blocks', chunksOf(1, 4_000, 5_000, 1, 20_000, 3)],
    ['tiny chunks', chunksOf(...Array.from({ length: 10_000 }, () => 1))],
  ])('are what was added: %s', (_what, chunks) => {
    const gathered = new Gathered();
    for (const chunk of chunks) gathered.add(chunk);
    const whole = Buffer.concat(chunks);
    expect(gathered.length).toBe(whole.length);
    expect(gathered.heldBytes).toBeLessThan(whole.length + 4_097);
    expect(gathered.take()).toEqual(whole);
    expect([gathered.length, gathered.heldBytes]).toEqual([0, 0]);
  });

  it('keep nothing of the reads that they were in', () => {
    const gathered = new Gathered();
    for (const chunk of chunksOf(1)) gathered.add(chunk);
    expect(gathered.take().buffer.byteLength).toBe(1);
  });
});
