import { describe, expect, it } from '@jest/globals';
import { Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { collect } from '../support/stream.js';
import type { Harness } from './environment.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A field's tag and the length of a payload this long. */
const ENVELOPE_BYTES = 5;
const LARGEST = Buffer.alloc(MAX_MESSAGE_BYTES - ENVELOPE_BYTES, 'x');
const TOO_LARGE = Buffer.alloc(LARGEST.length + 1, 'x');
const EXHAUSTED = { code: Status.RESOURCE_EXHAUSTED, message: expect.stringContaining('larger than max') };

/** Messages of up to 4 MiB, as in gRPC. */
export function describeSizes({ start }: Harness): void {
  const replying = (payload: Buffer) => ({
    unary: async () => ({ payload }),
    async *serverStream() {
      yield { payload };
    },
  });

  describe('sizes', () => {
    it('carries the largest request and the largest reply', async () => {
      const { unary, clientStream, serverStream } = await start({ handlers: replying(LARGEST) });
      expect((await unary({ payload: LARGEST })).payload.equals(LARGEST)).toBe(true);
      const [reply] = await collect(serverStream({}));
      expect(reply?.payload.equals(LARGEST)).toBe(true);
      async function* requests() {
        yield { text: LARGEST.toString() };
      }
      expect((await clientStream(requests())).texts[0]).toHaveLength(LARGEST.length);
    });

    it('refuses a larger request with RESOURCE_EXHAUSTED', async () => {
      const { unary, clientStream } = await start();
      expect(await failure(unary({ payload: TOO_LARGE }))).toMatchObject(EXHAUSTED);
      async function* requests() {
        yield { text: TOO_LARGE.toString() };
      }
      expect(await failure(clientStream(requests()))).toMatchObject(EXHAUSTED);
    });

    it('refuses a larger reply with RESOURCE_EXHAUSTED', async () => {
      const { unary, serverStream } = await start({ handlers: replying(TOO_LARGE) });
      expect(await failure(unary({}))).toMatchObject(EXHAUSTED);
      expect(await failure(collect(serverStream({})))).toMatchObject(EXHAUSTED);
    });
  });
}
