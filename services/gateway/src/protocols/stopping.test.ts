/** A drain ends the streams that have no end of their own, each by a status of its protocol. */

import { once } from 'node:events';
import { afterEach, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { ENDPOINT, frame, frames, gateway, open2, receive2 } from '../../test/support/calling.js';
import { closeAll, logged } from '../../test/support/listening.js';
import { note, pathOf } from '../../test/support/note-service.js';
import type { Backend } from './backend.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

/** One reply, and then nothing until the call ends. */
const resting: Backend = async ({ context }) => {
  async function* messages(): AsyncGenerator<Uint8Array> {
    yield note('a');
    await new Promise<void>((resolve) => context.onEnd(resolve));
    context.throwIfEnded();
  }
  return {
    header: new Metadata(),
    trailer: new Metadata(),
    from: ENDPOINT,
    response: { stream: true, messages: messages() },
  };
};

const GRPC = { 'content-type': 'application/grpc', te: 'trailers' };
const GRPC_WEB = { 'content-type': 'application/grpc-web+proto' };
const CONNECT = { 'content-type': 'application/connect+proto' };

/** A stream whose first reply has come, and its whole answer. */
async function opened(method: 'List' | 'Chat', headers: Record<string, string>, draining: AbortController) {
  const { session } = await gateway({ backend: resting, draining: draining.signal });
  const stream = open2(await session(), { path: pathOf(method), headers });
  const answer = receive2(stream);
  stream.write(frame(note('a')));
  if (method === 'List') stream.end();
  await once(stream, 'response');
  return { stream, answer };
}

it.each(['List', 'Chat'] as const)('gRPC: in the trailers (%s)', async (method) => {
  const draining = new AbortController();
  const { answer } = await opened(method, GRPC, draining);
  draining.abort();
  const { status, body, trailers } = await answer;
  expect([status, frames(body).length, trailers['grpc-status']]).toEqual([200, 1, '14']);
});

it('gRPC-Web: in the last frame', async () => {
  const draining = new AbortController();
  const { answer } = await opened('List', GRPC_WEB, draining);
  draining.abort();
  const [reply, last] = frames((await answer).body);
  expect([reply?.flags, last?.flags]).toEqual([0, 0x80]);
  expect(last?.data.toString()).toContain('grpc-status: 14\r\n');
});

it('Connect: in the last frame', async () => {
  const draining = new AbortController();
  const { answer } = await opened('List', CONNECT, draining);
  draining.abort();
  const [reply, last] = frames((await answer).body);
  expect([reply?.flags, last?.flags]).toEqual([0, 2]);
  expect(JSON.parse(last?.data.toString() ?? '')).toMatchObject({ error: { code: 'unavailable' } });
});

it('a stream with a deadline goes on', async () => {
  const draining = new AbortController();
  const { stream, answer } = await opened('Chat', { ...GRPC, 'grpc-timeout': '1H' }, draining);
  draining.abort();
  const { answer: other } = await opened('Chat', GRPC, draining);
  // The other one has no deadline: it has ended, and this one has not.
  expect((await other).trailers['grpc-status']).toBe('14');
  expect(stream.readableEnded).toBe(false);
  stream.close();
  await answer.catch(() => undefined); // it is cut off
});
