import { describe, expect, it } from '@jest/globals';
import type { MetadataInit } from '../../src/call/metadata.js';
import { Metadata, type ServerCall } from '../../src/exports/call.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { recordingLogger } from '../support/recording-logger.js';
import { collect } from '../support/stream.js';
import { deferred } from '../support/wait.js';
import type { Harness } from './environment.js';

const HTTP_KEYS = [
  'connection',
  'content-length',
  'content-type',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Metadata that can't be sent, and the key that the error names. */
const unsendable: readonly (readonly [name: string, key: string, MetadataInit])[] = [
  ...HTTP_KEYS.map((key) => [key, key, [[key, 'x']]] as const),
  ['two values under a key that HTTP gives one', 'authorization', pairs(2, () => 'authorization')],
  ['two content types', 'content-type', pairs(2, () => 'content-type')],
  ['more entries than Node takes', 'k100', pairs(140, (index) => `k${index}`)],
  ['more bytes than a header block of any peer has', 'x-large', [['x-large', 'x'.repeat(100 * 1024)]]],
  ['the key that objects lose', '__proto__', [['__proto__', 'x']]],
  ['the mark of a server', 'rondo-not-handled', [['rondo-not-handled', '/s.S/M']]],
];

function pairs(count: number, key: (index: number) => string): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, index) => [key(index), 'x'] as const);
}

type Place = 'header' | 'trailer' | 'error';

function put(init: MetadataInit, place: Place, call: ServerCall): void {
  const metadata = place === 'error' ? new Metadata() : call[place];
  if (Symbol.iterator in init) for (const [key, value] of init) metadata.append(key, value);
  if (place === 'error') throw new RpcError(Status.ABORTED, 'aborted', { metadata });
}

export function describeUnsendable({ start }: Harness): void {
  describe.each(unsendable)('metadata that cannot be sent: %s', (_name, key, init) => {
    it('fails its own call, and no other on the connection', async () => {
      const begun = deferred();
      const finish = deferred();
      const unary = async () => {
        begun.resolve();
        await finish.promise;
        return { text: 'innocent' };
      };
      const client = await start({ handlers: { unary } });
      const innocent = client.unary({});
      await begun.promise;
      for (const call of [
        client.unaryUnsafe({}, { metadata: init }),
        collect(client.serverStream({ count: 1 }, { metadata: init })),
      ]) {
        const error = await failure(call);
        expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, report: { attempts: [] } });
        expect(error.message).toContain(`metadata key "${key}"`);
      }
      finish.resolve();
      expect(await innocent).toMatchObject({ text: 'innocent' });
    });

    it.each<Place>(['header', 'trailer', 'error'])(
      'ends the call with INTERNAL if the handler has it in its %s, and affects no other call',
      async (place) => {
        const begun = deferred();
        const finish = deferred();
        const { logger, lines } = recordingLogger();
        const client = await start({
          logger,
          handlers: {
            async unary({ text }, call) {
              if (text === '') put(init, place, call);
              else begun.resolve();
              await finish.promise;
              return { text };
            },
            async *serverStream(_request, call) {
              if (place === 'header') put(init, place, call);
              yield {};
              put(init, place, call);
            },
          },
        });
        const innocent = client.unary({ text: 'innocent' });
        await begun.promise;
        for (const call of [client.unary({}), collect(client.serverStream({ count: 1 }))]) {
          const error = await failure(call);
          expect(error).toMatchObject({ code: Status.INTERNAL, message: expect.stringContaining('internal error') });
          expect(error.message).not.toContain('metadata key');
        }
        expect(lines.filter(({ level }) => level === 'error')).toHaveLength(2);
        for (const { fields } of lines) expect(String(Reflect.get(fields, 'err'))).toContain(`metadata key "${key}"`);
        finish.resolve();
        expect(await innocent).toMatchObject({ text: 'innocent' });
        expect(await collect(client.bidiStream(requests()))).toHaveLength(1);
      },
    );
  });

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

async function* requests() {
  yield { text: 'goes on' };
}
