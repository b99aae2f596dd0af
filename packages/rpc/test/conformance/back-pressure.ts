import { describe, expect, it } from '@jest/globals';
import { deferred } from '../support/deferred.js';
import { endless } from '../support/stream.js';
import { atRest } from '../support/wait.js';
import type { Harness } from './environment.js';

const MESSAGE_BYTES = 32 * 1024;
/** Windows and buffers of both ends: what a producer may be ahead of its reader. */
const MAX_AHEAD_BYTES = 2 * 1024 * 1024;
const PAYLOAD = Buffer.alloc(MESSAGE_BYTES);
const TEXT = 'x'.repeat(MESSAGE_BYTES);

/** A reader that stops stops its producer. */
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

    it('lets a stream go on where its reader has caught up', async () => {
      const { bidiStream } = await start();
      let seen = 0;
      for await (const { text } of bidiStream(endless({ text: TEXT }))) {
        expect(text).toHaveLength(MESSAGE_BYTES);
        seen += 1;
        if (seen === 200) break;
      }
      expect(seen).toBe(200);
    });
  });
}
