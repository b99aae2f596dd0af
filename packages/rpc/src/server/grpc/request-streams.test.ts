/** What grpc-js keeps to itself and request-streams.ts relies on. */

import http2 from 'node:http2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../../test/support/deferred.js';
import { conformanceService } from '../../../test/support/service.js';
import { collect } from '../../../test/support/stream.js';
import type { ServerCall } from '../../call/index.js';
import { Status } from '../../status/index.js';
import type { Handlers } from '../handlers.js';
import { createRouter } from '../router.js';
import { serve } from './serve.js';

const PATH = '/rondo.conformance.v1.ConformanceService/ClientStream';
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type ClientStream = Handlers<
  typeof import('@rondo/contracts/rondo/conformance/v1/conformance').ConformanceServiceDefinition
>['clientStream'];

/** A raw connection to a server of `clientStream`. */
async function connect(clientStream: ClientStream): Promise<http2.ClientHttp2Session> {
  const router = createRouter({ services: [conformanceService({ clientStream })] });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  const session = http2.connect(`http://${server.address}`);
  closers.push(
    () => server.drain(0),
    () => session.close(),
  );
  return session;
}

/** Sends `bytes` as the requests of a call, and gives its trailers. */
function upload(session: http2.ClientHttp2Session, bytes: Buffer, extra: http2.OutgoingHttpHeaders = {}) {
  const headers = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...headers, ...extra });
  const ended = deferred<http2.IncomingHttpHeaders>();
  stream.on('response', (header) => header['grpc-status'] !== undefined && ended.resolve(header));
  stream.on('trailers', (trailers) => ended.resolve(trailers));
  stream.resume();
  stream.end(bytes);
  return ended.promise;
}

const MESSAGE = Buffer.from([0, 0, 0, 0, 0]);

describe('a stream of requests', () => {
  const answer = async (requests: AsyncIterable<unknown>) => ({ texts: (await collect(requests)).map(() => 'whole') });

  it('is taken when it ends with a whole message', async () => {
    const session = await connect(answer);
    expect(await upload(session, Buffer.concat([MESSAGE, MESSAGE]))).toMatchObject({ 'grpc-status': '0' });
  });

  it.each([
    ['a prefix', Buffer.from([0, 0])],
    ['a message', Buffer.from([0, 0, 0, 0, 9, 1])],
  ])('is refused when it ends inside %s', async (_name, part) => {
    const session = await connect(answer);
    const trailers = await upload(session, Buffer.concat([MESSAGE, part]));
    expect(trailers).toMatchObject({ 'grpc-status': String(Status.INTERNAL) });
    expect(decodeURI(String(trailers['grpc-message']))).toContain('inside a message');
  });

  it('shows its handler nothing of the key that leads to it, and takes none from a caller', async () => {
    const seen: string[][] = [];
    const session = await connect(async (requests, call: ServerCall) => {
      seen.push([...call.metadata].map(([key]) => key));
      await collect(requests);
      return {};
    });
    await upload(session, MESSAGE, { 'rondo-http2-stream': '1' });
    expect(seen[0]).not.toContain('rondo-http2-stream');
  });
});
