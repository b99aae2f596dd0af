import { describe, expect, it } from '@jest/globals';
import { Metadata } from '../../src/exports/call.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { recordingLogger } from '../support/recording-logger.js';
import { collect } from '../support/stream.js';
import type { Harness } from './environment.js';

function pairs(count: number, key: (index: number) => string): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, index) => [key(index), 'x'] as const);
}

export function describeUnsendable({ start }: Harness): void {
  describe('a failure that gRPC has no form for', () => {
    it.each([
      ['a code of another library', { code: 'ECONNREFUSED' }],
      ['no code', { code: undefined }],
      ['a code that gRPC lacks', { code: 99 }],
      ['such a code, and a detail', { code: 'ECONNREFUSED', details: [{ typeUrl: 'a/b', value: Buffer.from('c') }] }],
      ['a detail that is not packed', { code: Status.ABORTED, details: [{ typeUrl: 'a/b', value: 'c' }] }],
      ['a detail that is none', { code: Status.ABORTED, details: [undefined] }],
      ['a pushback that is no number', { code: Status.ABORTED, retryPushbackMs: 500n }],
    ])('ends in INTERNAL, and in a line of the log: %s', async (_what, { code, ...options }) => {
      const { logger, lines } = recordingLogger();
      const made = (): unknown => Reflect.construct(RpcError, [code, 'no', options]);
      const client = await start({
        logger,
        handlers: {
          async unary({ text }) {
            if (text === '') throw made();
            return { text };
          },
          async *serverStream() {
            yield {};
            throw made();
          },
        },
      });
      for (const call of [client.unary({}), collect(client.serverStream({ count: 1 }))]) {
        const error = await failure(call);
        expect(error).toMatchObject({ code: Status.INTERNAL, message: expect.stringContaining('internal error') });
      }
      expect(lines.filter(({ level }) => level === 'error')).toHaveLength(2);
      expect(await client.unary({ text: 'innocent' })).toMatchObject({ text: 'innocent' });
    });
  });

  describe('the metadata of a failure and of its call', () => {
    it('ends in INTERNAL if each can be sent, but not both', async () => {
      const { logger, lines } = recordingLogger();
      const retryLater = () => new Metadata({ 'retry-after': '2' });
      const client = await start({
        logger,
        instanceId: 'calculator-1',
        handlers: {
          async unary(_request, { trailer }) {
            trailer.set('retry-after', '1');
            throw new RpcError(Status.ABORTED, 'aborted', { metadata: retryLater() });
          },
          async unaryUnsafe(_request, { trailer }) {
            for (const [key, value] of pairs(60, (index) => `t${index}`)) trailer.append(key, value);
            const metadata = new Metadata(pairs(60, (index) => `e${index}`));
            throw new RpcError(Status.ABORTED, 'aborted', { metadata });
          },
        },
      });
      for (const call of [client.unary({}), client.unaryUnsafe({})]) {
        expect(await failure(call)).toMatchObject({ code: Status.INTERNAL });
      }
      expect(lines.filter(({ level }) => level === 'error')).toHaveLength(2);
    });
  });
}
