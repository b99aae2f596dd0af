/** A gRPC client of another implementation may cancel many calls at once. */
import http2 from 'node:http2';
import { expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import type { ServerCall } from '../src/exports/call.js';
import { createRouter, serve } from '../src/exports/server.js';
import { standIn } from '../src/exports/testing.js';
import { closersOfATest } from './support/closers.js';
import { until } from './support/wait.js';

/** More than the 1,000 that Node accepts at once. */
const RESETS = 1_500;
const HEADERS = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' };

/** Node has had the option since 22.11; before, nothing can be done. */
const bearable = process.versions.node.localeCompare('22.11', 'en', { numeric: true }) >= 0;
const closers = closersOfATest();

it('a server accepts that a client cancels thousands of calls at once, and ends each', async () => {
  let begun = 0;
  let ended = 0;
  const check = async (_request: unknown, { context }: ServerCall) => {
    begun += 1;
    context.onEnd(() => {
      ended += 1;
    });
    return context.race(new Promise<never>(() => undefined));
  };
  const router = createRouter({ services: [standIn(HealthDefinition, { check })] });
  const server = await serve(router, { listen: '127.0.0.1:0' });
  const session = http2.connect(`http://${server.address}`);
  closers.push(
    () => server.drain(0),
    () => session.destroy(),
  );
  let goodbye: number | undefined;
  session.on('goaway', (code) => {
    goodbye = code;
  });
  session.on('error', () => session.destroy());
  const [innocent, ...others] = Array.from({ length: RESETS + 1 }, () => {
    const stream = session.request(HEADERS);
    stream.on('error', () => stream.destroy());
    stream.resume().end(Buffer.alloc(5));
    return stream;
  });
  await until(() => begun === RESETS + 1);
  for (const stream of others) stream.close(http2.constants.NGHTTP2_CANCEL);
  await until(() => (bearable ? ended === RESETS : innocent?.closed === true));
  expect([innocent?.closed, goodbye]).toEqual(
    bearable ? [false, undefined] : [true, http2.constants.NGHTTP2_INTERNAL_ERROR],
  );
});
