/** A reply that can't be sent ends its call with a status. Node would throw in the middle of it, and nothing would catch that. */
import { describe, expect, it } from '@jest/globals';
import { failure } from '../../test/support/outcome.js';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { conformanceService } from '../../test/support/service.js';
import { socketsOfATest } from '../../test/support/sockets.js';
import { collect } from '../../test/support/stream.js';
import type { Reply, ServerCall } from '../call/call.js';
import { Metadata, type MetadataSource } from '../call/metadata.js';
import type { Middleware } from '../middleware/middleware.js';
import { createRouter } from '../server/router.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { addToHeaders } from './answer.js';
import { serve } from './serve.js';

const BYTES = [Buffer.from([1]), Buffer.from([1, 2]), Buffer.from([1, 2, 3])] as const;
const BASE64 = ['AQ', 'AQI', 'AQID'];

describe('metadata of a reply', () => {
  it.each(BYTES.map((bytes, index) => [bytes.length, bytes, BASE64[index]] as const))(
    'has %i bytes without padding',
    (_length, bytes, base64) => {
      const headers = addToHeaders({}, new Metadata({ 'x-data-bin': bytes, 'x-text': 'a=' }));
      expect(headers).toEqual({ 'x-data-bin': base64, 'x-text': 'a=' });
    },
  );

  it('has several values under one key without padding', () => {
    const headers = addToHeaders({}, new Metadata(BYTES.map((bytes) => ['x-data-bin', bytes] as const)));
    expect(headers).toEqual({ 'x-data-bin': BASE64 });
  });
});

const { closers, connectTo } = socketsOfATest();

/** Unchecked metadata that a peer may have sent. */
const received: readonly (readonly [name: string, MetadataSource])[] = [
  ['no ASCII', sourceOf([['x-latin', 'café']])],
  ['a line break', sourceOf([['x-lines', 'a\r\nb']])],
  ['no key', sourceOf([['x latin', '1']])],
  ['a key of HTTP/2 itself', sourceOf([[':status', '500']])],
  ['text for bytes', sourceOf([['x-bin', 'text']])],
  ['two etags', sourceOf(Array.from({ length: 2 }, () => ['etag', '1']))],
  ['too many entries', sourceOf(Array.from({ length: 140 }, (_, index) => [`k${index}`, '1']))],
  ['too many bytes', sourceOf([['x-large', 'x'.repeat(70_000)]])],
];

function sourceOf(pairs: readonly (readonly string[])[]): MetadataSource {
  return {
    getAll: () => [],
    forEach: (visit) => {
      for (const [key = '', value = ''] of pairs) visit(key, value);
    },
  };
}

type Place = 'header' | 'trailer' | 'error';

/** Passes received metadata on in its own reply. */
function passOn(source: MetadataSource, place: () => Place | undefined): Middleware<ServerCall> {
  return async (call, next): Promise<Reply> => {
    const at = place();
    const metadata = Metadata.over(source);
    if (at === 'error') throw new RpcError(Status.ABORTED, 'aborted', { metadata });
    const reply = await next(call);
    return at === undefined ? reply : { ...reply, [at]: metadata };
  };
}

it.each(received)('a reply that passes on metadata with %s ends with INTERNAL', async (_name, source) => {
  let place: Place | undefined;
  const { logger, lines } = recordingLogger();
  const middleware = [passOn(source, () => place)];
  const router = createRouter({ services: [conformanceService()], middleware, logger });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  const { client } = connectTo([server.address]);
  for (place of ['header', 'trailer', 'error'] as const) {
    for (const call of [client.unary({}), collect(client.serverStream({ count: 2 }))]) {
      expect(await failure(call)).toMatchObject({
        code: Status.INTERNAL,
        message: expect.stringContaining('internal error'),
      });
    }
    expect(lines.splice(0).map(({ level }) => level)).toEqual(['error', 'error']);
  }
  place = undefined;
  expect(await client.unary({ text: 'goes on' })).toMatchObject({ text: 'goes on' });
});
