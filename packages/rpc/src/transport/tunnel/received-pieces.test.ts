import { describe, expect, it } from '@jest/globals';
import { retainedBytes } from '../../../test/support/retained.js';
import { until } from '../../../test/support/wait.js';
import { MAX_UNFINISHED_BYTES } from './frames.js';
import { PieceMemory, ReceivedPieces } from './received-pieces.js';
import { FrameError } from './wire-format.js';

const MIB = 1_024 * 1_024;

describe('a reply in pieces', () => {
  it('is put together', () => {
    const pieces = new ReceivedPieces(6, new PieceMemory());
    pieces.add(Buffer.from('ab'));
    pieces.add(Buffer.from('cde'));
    expect(pieces.finish(Buffer.from('f')).toString()).toBe('abcdef');
  });

  it.each([
    ['is longer than it said', ['abc', 'd'], 'longer than the 3 bytes that its first piece said'],
    ['is shorter than it said', ['a', 'b'], 'ends after 2 of the 3 bytes that its first piece said'],
    ['has an empty piece', ['a', ''], 'a piece of a reply is empty'],
  ])('that %s is refused', (_what, [first = '', last = ''], why) => {
    const pieces = new ReceivedPieces(3, new PieceMemory());
    pieces.add(Buffer.from(first));
    expect(() => pieces.finish(Buffer.from(last))).toThrow(why);
  });

  it('does not keep the messages in which its pieces came', async () => {
    const pieces = new ReceivedPieces(200, new PieceMemory());
    const before = retainedBytes();
    for (let left = 200; left > 0; left -= 1) pieces.add(Buffer.alloc(MIB).subarray(0, 1));
    await until(() => retainedBytes() - before < 20 * MIB);
    expect(() => pieces.add(Buffer.alloc(1))).toThrow(FrameError);
  });
});

describe('the replies in pieces of a tunnel', () => {
  it('have a bound together, which one alone may exceed', () => {
    const memory = new PieceMemory();
    const alone = new ReceivedPieces(MAX_UNFINISHED_BYTES + 1, memory);
    expect(() => new ReceivedPieces(1, memory)).toThrow('with the one that begins they have 16777218');
    alone.drop();
    const half = MAX_UNFINISHED_BYTES / 2;
    const [first, second] = [new ReceivedPieces(half, memory), new ReceivedPieces(half, memory)];
    expect(() => new ReceivedPieces(1, memory)).toThrow(FrameError);
    first.finish(Buffer.alloc(half));
    new ReceivedPieces(1, memory).drop();
    second.drop();
    expect(new ReceivedPieces(MAX_UNFINISHED_BYTES, memory)).toBeDefined();
  });
});
