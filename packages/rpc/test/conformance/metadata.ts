import { describe, expect, it } from '@jest/globals';
import type { MetadataInit } from '../../src/call/metadata.js';
import { Metadata, type ServerCall } from '../../src/exports/call.js';
import type { CallOptions } from '../../src/exports/client.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { collect, streamOf } from '../support/stream.js';
import { deferred } from '../support/wait.js';
import type { Harness } from './environment.js';

const BYTES = [Buffer.from([0, 255, 44]), Buffer.from('second')] as const;

/** Sets a header and a trailer, in any kind of handler. */
function mark({ header, trailer }: ServerCall): void {
  header.append('X-Header', 'from the handler');
  trailer.append('x-trailer-bin', BYTES[0]);
}

/** Records header and trailer of a call. */
function recorder() {
  const seen: { header?: Metadata; trailer?: Metadata } = {};
  const options: CallOptions = {
    onHeader: (header) => Object.assign(seen, { header }),
    onTrailer: (trailer) => Object.assign(seen, { trailer }),
  };
  return { seen, options };
}

export function describeMetadata({ start }: Harness): void {
  async function received(metadata: MetadataInit): Promise<Metadata> {
    let request = new Metadata();
    const unary = async (_request: unknown, call: ServerCall) => {
      request = call.metadata;
      return {};
    };
    const client = await start({ handlers: { unary } });
    await client.unary({}, { metadata });
    return request;
  }

  describe('request metadata', () => {
    it('carries text and bytes, whatever the case of a key', async () => {
      const metadata = await received({ 'X-Text': 'as it is, with comma', 'X-Data-Bin': BYTES[0], 'x-empty': '' });
      expect(metadata.get('x-text')).toBe('as it is, with comma');
      expect(metadata.get('X-TEXT')).toBe('as it is, with comma');
      expect(metadata.getBytes('x-data-bin')).toEqual(BYTES[0]);
      expect(metadata.get('x-empty')).toBe('');
    });

    it('keeps several values in order: bytes one by one, texts joined, as HTTP joins lines', async () => {
      const metadata = await received([
        ['x-bin', BYTES[0]],
        ['x-text', 'a'],
        ['x-bin', BYTES[1]],
        ['x-text', 'b'],
      ]);
      expect(metadata.getAll('x-bin')).toEqual(BYTES);
      expect(metadata.getAll('x-text')).toEqual(['a, b']);
    });

    it.each([
      ['grpc-timeout', '1S'],
      ['Grpc-Status', '0'],
    ])('refuses %s, which belongs to the protocol', async (key, value) => {
      const { unary } = await start();
      await expect(unary({}, { metadata: { [key]: value } })).rejects.toThrow(key);
    });

    it('hides the metadata of the protocol from a handler', async () => {
      const keys = [...(await received({}))].map(([key]) => key);
      for (const key of keys) expect(key).not.toMatch(/^(:|grpc-|content-type|te$)/);
    });
  });

  describe('response metadata', () => {
    it('comes with one reply', async () => {
      const unary = async (_request: unknown, call: ServerCall) => {
        mark(call);
        return {};
      };
      const client = await start({ handlers: { unary, clientStream: unary } });
      for (const call of [client.unary.bind(undefined, {}), client.clientStream.bind(undefined, streamOf())]) {
        const { seen, options } = recorder();
        await call(options);
        expect(seen.header?.get('x-header')).toBe('from the handler');
        expect(seen.trailer?.getBytes('x-trailer-bin')).toEqual(BYTES[0]);
      }
    });

    it.each([0, 1, 3])(
      'comes with a stream of %i replies: header before the first, trailer after the last',
      async (count) => {
        async function* serverStream(_request: unknown, call: ServerCall) {
          mark(call);
          for (let index = 0; index < count; index += 1) yield { index };
          call.trailer.set('x-late', 'set at the end');
        }
        const client = await start({ handlers: { serverStream } });
        const { seen, options } = recorder();
        for await (const _reply of client.serverStream({}, options)) {
          expect(seen.header?.get('x-header')).toBe('from the handler');
          expect(seen.trailer).toBeUndefined();
        }
        expect(seen.header?.get('x-header')).toBe('from the handler');
        expect(seen.trailer?.getBytes('x-trailer-bin')).toEqual(BYTES[0]);
        expect(seen.trailer?.get('x-late')).toBe('set at the end');
      },
    );

    it('comes before the first reply of a stream if the handler sends it', async () => {
      const go = deferred();
      async function* replies(_request: unknown, call: ServerCall) {
        mark(call);
        const { sendHeader } = call;
        sendHeader();
        call.header.set('x-late', 'after it was sent');
        sendHeader();
        await go.promise;
        yield {};
      }
      const client = await start({ handlers: { serverStream: replies, bidiStream: replies } });
      const calls = [
        (options: CallOptions) => collect(client.serverStream({}, options)),
        (options: CallOptions) => collect(client.bidiStream(streamOf({}), options)),
      ];
      const headers = calls.map(
        (call) => new Promise<Metadata>((onHeader, reject) => call({ onHeader }).catch(reject)),
      );
      for (const header of await Promise.all(headers)) {
        expect([header.get('x-header'), header.get('x-late')]).toEqual(['from the handler', undefined]);
      }
      go.resolve();
    });

    it('is as the handler has sent it, whatever the outcome of the call', async () => {
      const fails = async (_request: unknown, call: ServerCall) => {
        mark(call);
        call.sendHeader();
        call.header.set('x-late', 'after it was sent');
        if (call.metadata.has('x-fail')) throw new RpcError(Status.ABORTED, 'no');
        return {};
      };
      const client = await start({ handlers: { unary: fails, clientStream: fails } });
      for (const metadata of [{}, { 'x-fail': 'yes' }]) {
        for (const call of [client.unary.bind(undefined, {}), client.clientStream.bind(undefined, streamOf())]) {
          const { seen, options } = recorder();
          await Promise.allSettled([call({ ...options, metadata })]);
          expect([seen.header?.get('x-header'), seen.header?.get('x-late')]).toEqual(['from the handler', undefined]);
        }
      }
    });

    it('comes with a failure: the trailer and the metadata of the error', async () => {
      const thrown = () => new RpcError(Status.ABORTED, 'no', { metadata: new Metadata({ 'x-retry': 'later' }) });
      const client = await start({
        handlers: {
          async unary(_request, call) {
            mark(call);
            throw thrown();
          },
          async *serverStream(_request, call) {
            mark(call);
            yield {};
            throw thrown();
          },
        },
      });
      const { seen, options } = recorder();
      for (const call of [client.unary({}), collect(client.serverStream({}, options))]) {
        const { metadata } = await failure(call);
        expect(metadata.getBytes('x-trailer-bin')).toEqual(BYTES[0]);
        expect(metadata.get('x-retry')).toBe('later');
      }
      expect(seen.header?.get('x-header')).toBe('from the handler');
    });

    it('comes with a failure before the first reply: the header, to its caller and with the error', async () => {
      const failing = async (_request: unknown, call: ServerCall): Promise<never> => {
        mark(call);
        throw new RpcError(Status.ABORTED, 'no');
      };
      async function* failingStream(_request: unknown, call: ServerCall): AsyncGenerator<never> {
        mark(call);
        throw new RpcError(Status.ABORTED, 'no');
      }
      const client = await start({
        handlers: { unary: failing, clientStream: failing, serverStream: failingStream, bidiStream: failingStream },
      });
      const calls: ((options: CallOptions) => Promise<unknown>)[] = [
        (options) => client.unary({}, options),
        (options) => client.clientStream(streamOf({}), options),
        (options) => collect(client.serverStream({}, options)),
        (options) => collect(client.bidiStream(streamOf({}), options)),
      ];
      for (const call of calls) {
        const headers: Metadata[] = [];
        const error = await failure(call({ onHeader: (header) => headers.push(header) }));
        expect(error.code).toBe(Status.ABORTED);
        expect(headers.map((header) => header.get('x-header'))).toEqual(['from the handler']);
        expect(error.metadata.getBytes('x-trailer-bin')).toEqual(BYTES[0]);
      }
    });

    it('names the instance that served, on success and on failure', async () => {
      const { unary, serverStream } = await start({ instanceId: 'calculator-1' });
      const { seen, options } = recorder();
      await unary({}, options);
      expect(seen.trailer?.get('rondo-served-by')).toBe('calculator-1');
      await collect(serverStream({ count: 1 }, options));
      expect(seen.trailer?.get('rondo-served-by')).toBe('calculator-1');
      const behaviour = { code: Status.NOT_FOUND };
      for (const call of [unary({ behaviour }), collect(serverStream({ count: 1, behaviour }))]) {
        expect((await failure(call)).metadata.get('rondo-served-by')).toBe('calculator-1');
      }
    });
  });
}
