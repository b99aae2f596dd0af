import { describe, expect, it } from '@jest/globals';
import { endless } from '../support/stream.js';
import { atRest, deferred } from '../support/wait.js';
import type { Harness } from './environment.js';

const MESSAGE_BYTES = 32 * 1024;
/** The windows and buffers of both ends: how far a producer may be ahead of its reader. */
const MAX_AHEAD_BYTES = 2 * 1024 * 1024;
/** If messages are longer than any window, one or two wait in each buffer on the way. */
const MAX_LARGE_AHEAD = 6;
const PAYLOAD = Buffer.alloc(MESSAGE_BYTES);
const TEXT = 'x'.repeat(MESSAGE_BYTES);

/** A reader that stops reading also stops the producer. */
export function describeBackPressure({ start }: Harness): void {
  describe('back-pressure', () => {
    it('reaches a handler from a slow caller', async () => {
      let produced = 0;
      const pull = () => {
        produced += 1;
      };
      const { serverStream } = await start({
        handlers: { serverStream: () => endless({ payload: PAYLOAD }, { pull }) },
      });
      for await (const _reply of serverStream({})) {
        const ahead = await atRest(() => produced);
        expect(ahead * MESSAGE_BYTES).toBeLessThan(MAX_AHEAD_BYTES);
        break;
      }
    });

    it.each([0, 1])('reaches a caller from a handler that reads %i requests', async (reads) => {
      const done = deferred();
      const { clientStream } = await start({
        handlers: {
          async clientStream(requests) {
            if (reads > 0) await requests[Symbol.asyncIterator]().next();
            await done.promise;
            return {};
          },
        },
      });
      let produced = 0;
      const pull = () => {
        produced += 1;
      };
      const call = clientStream(endless({ text: TEXT }, { pull }));
      const ahead = await atRest(() => produced);
      expect(ahead * MESSAGE_BYTES).toBeLessThan(MAX_AHEAD_BYTES);
      done.resolve();
      await call;
    });

    it.each(['serverStream', 'clientStream'] as const)('counts the bytes of a %s, not its messages', async (kind) => {
      let produced = 0;
      const pull = () => {
        produced += 1;
      };
      const done = deferred();
      const large = { payload: Buffer.alloc(1024 * 1024) };
      const client = await start({
        handlers: {
          serverStream: () => endless(large, { pull }),
          async clientStream(requests) {
            await requests[Symbol.asyncIterator]().next();
            await done.promise;
            return {};
          },
        },
      });
      const caller = new AbortController();
      const options = { signal: caller.signal };
      const replies = client.serverStream({}, options)[Symbol.asyncIterator]();
      const stalled =
        kind === 'serverStream'
          ? replies.next()
          : client.clientStream(endless({ text: 'x'.repeat(1024 * 1024) }, { pull }), options);
      if (kind === 'serverStream') await stalled;
      expect(await atRest(() => produced)).toBeLessThanOrEqual(MAX_LARGE_AHEAD);
      done.resolve();
      caller.abort();
      await Promise.allSettled([stalled, replies.return?.()]);
    });

    it('continues a stream when its reader has caught up', async () => {
      const { bidiStream } = await start();
      let seen = 0;
      for await (const { text } of bidiStream(endless({ text: TEXT }))) {
        expect(text).toHaveLength(MESSAGE_BYTES);
        seen += 1;
        if (seen === 80) break;
      }
      expect(seen).toBe(80);
    });
  });
}
