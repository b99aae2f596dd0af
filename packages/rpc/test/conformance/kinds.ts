import { describe, expect, it } from '@jest/globals';
import { collect, streamOf } from '../support/stream.js';
import { until } from '../support/wait.js';
import type { Harness } from './environment.js';

/** With a hundred letters each, this is more than HTTP/2's windows let pass unread. */
const MANY = 1_000;
const UNICODE = 'naïve 日本語 🧮 \uFFFD \u202e e\u0301';

/** The four kinds of method, and the fidelity of their messages. */
export function describeKinds({ start }: Harness): void {
  describe('kinds of method', () => {
    it('answers one request with one reply', async () => {
      const { unary } = await start();
      expect(await unary({ text: 'hello' })).toMatchObject({ text: 'hello' });
    });

    it('answers many requests with one reply', async () => {
      const { clientStream } = await start();
      expect(await clientStream(streamOf({ text: 'a' }, { text: 'b' }))).toEqual({ texts: ['a', 'b'] });
    });

    it('answers one request with many replies', async () => {
      const { serverStream } = await start();
      const replies = await collect(serverStream({ count: 3 }));
      expect(replies.map(({ index }) => index)).toEqual([0, 1, 2]);
    });

    it('answers each of many requests before the next is sent', async () => {
      const { bidiStream } = await start();
      const seen: string[] = [];
      async function* requests() {
        for (const text of ['a', 'b', 'c']) {
          yield { text };
          await until(() => seen.includes(text));
        }
      }
      for await (const { text } of bidiStream(requests())) seen.push(text);
      expect(seen).toEqual(['a', 'b', 'c']);
    });
  });

  describe('messages', () => {
    it('carries empty messages and empty streams', async () => {
      const client = await start();
      expect(await client.unary({})).toMatchObject({ payload: Buffer.alloc(0), text: '' });
      expect(await client.clientStream(streamOf())).toEqual({ texts: [] });
      expect(await client.clientStream(streamOf({}, {}))).toEqual({ texts: ['', ''] });
      expect(await collect(client.serverStream({ count: 0 }))).toEqual([]);
      expect(await collect(client.bidiStream(streamOf({})))).toEqual([{ text: '' }]);
      expect(await collect(client.bidiStream(streamOf()))).toEqual([]);
    });

    it('carries any text and any bytes', async () => {
      const { unary } = await start();
      const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      expect(await unary({ text: UNICODE, payload })).toMatchObject({ text: UNICODE, payload });
    });

    it(`keeps the order of ${MANY} messages each way`, async () => {
      const { bidiStream } = await start();
      const texts = Array.from({ length: MANY }, (_, index) => String(index).padStart(100));
      const replies = await collect(bidiStream(streamOf(...texts.map((text) => ({ text })))));
      expect(replies.map(({ text }) => text)).toEqual(texts);
    });
  });
}
