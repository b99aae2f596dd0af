import { describe, expect, it } from '@jest/globals';
import { retainedBytes } from '../../../test/support/retained.js';
import { until } from '../../../test/support/wait.js';
import { PieceMemory, ReceivedPieces } from './received-pieces.js';
import { FrameError } from './wire-format.js';

const MIB = 1_024 * 1_024;

describe('a reply in pieces', () => {
  it('does not keep the messages in which its pieces came', async () => {
    const pieces = new ReceivedPieces(200, new PieceMemory());
    const before = retainedBytes();
    for (let left = 200; left > 0; left -= 1) pieces.add(Buffer.alloc(MIB).subarray(0, 1));
    await until(() => retainedBytes() - before < 20 * MIB);
    expect(() => pieces.add(Buffer.alloc(1))).toThrow(FrameError);
  });
});
