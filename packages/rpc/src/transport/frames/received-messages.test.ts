import { describe, expect, it } from '@jest/globals';
import { RpcError } from '../../status/rpc-error.js';
import { MESSAGE_COST, PIECE_BYTES } from './frames.js';
import { ReceivedMessages } from './received-messages.js';
import { Advances } from './window.js';

/** Messages of a call, and what they have cost and given back of the connection's window. */
function receive() {
  const paid = { cost: 0, back: 0 };
  const messages = new ReceivedMessages({
    maxBytes: 10 * PIECE_BYTES,
    tooLong: (bytes) => new RpcError(8, `${bytes} bytes`),
    inflate: async (message) => message,
    advances: new Advances(),
    credit: () => undefined,
    give: (bytes) => {
      paid.back += bytes;
    },
    leave: () => undefined,
  });
  const take = (length: number, totalBytes = 0, more = totalBytes > 0) => {
    paid.cost += length + MESSAGE_COST;
    messages.take({ id: 1, data: Buffer.alloc(length), more, totalBytes, compressed: false });
  };
  return { messages, take, paid };
}

describe('the window of a connection gets back what a call has taken of it', () => {
  it('once a reader has taken each message', async () => {
    const { messages, take, paid } = receive();
    take(5);
    expect(paid.back).toBe(0);
    await messages.next();
    for (let left = 4; left > 0; left -= 1) take(PIECE_BYTES, left === 4 ? 5 * PIECE_BYTES : 0, true);
    take(PIECE_BYTES);
    await messages.next();
    messages.end();
    messages.release();
    expect(paid.back).toBe(paid.cost);
  });

  it.each<[string, (call: ReturnType<typeof receive>) => unknown]>([
    ['messages that nothing reads', ({ take }) => take(100)],
    ['a message that is incomplete', ({ take }) => take(PIECE_BYTES, 2 * PIECE_BYTES)],
    ['a long message that is incomplete', ({ take }) => take(PIECE_BYTES, 9 * PIECE_BYTES)],
    ['a message that is too long', ({ take }) => expect(() => take(5, 11 * PIECE_BYTES)).toThrow(RpcError)],
    ['a reader that leaves', ({ messages }) => messages.return()],
  ])('if it ends with %s', async (_what, act) => {
    const call = receive();
    const { messages, take, paid } = call;
    take(7);
    await act(call);
    messages.end();
    messages.release();
    take(3);
    await messages.next();
    expect(paid.back).toBe(paid.cost);
  });
});
