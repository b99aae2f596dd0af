import http2, { type ClientHttp2Session, type ClientHttp2Stream, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { guardSession } from './hidden-session.js';

let server: Http2Server;

beforeAll(async () => {
  server = http2.createServer((_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => void server.close());

/** Makes a request over a connection of its own, and closes both. Gives what is left of them in Node's C++. */
async function nativePartsOfCall(guarded: boolean): Promise<{ session: WeakRef<object>; stream: object }> {
  const { port } = server.address() as AddressInfo;
  const session = http2.connect(`http://127.0.0.1:${port}`);
  if (guarded) guardSession(session);
  await new Promise((resolve) => session.once('connect', resolve));
  const stream = session.request({ ':path': '/' });
  const parts = { session: new WeakRef(nativePart(session)), stream: nativePart(stream) };
  await new Promise((resolve) => stream.resume().once('close', resolve));
  await new Promise<void>((resolve) => session.close(() => resolve()));
  return parts;
}

function nativePart(owner: ClientHttp2Session | ClientHttp2Stream): object {
  const key = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'kHandle');
  if (key === undefined) throw new Error('Node has renamed the key; hidden-session.ts needs the new one');
  return Reflect.get(owner, key);
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Whether garbage collection takes the object, in ten attempts over several turns of the event loop. */
async function isCollected(object: WeakRef<object>): Promise<boolean> {
  for (let attempt = 0; attempt < 10 && object.deref() !== undefined; attempt += 1) {
    await new Promise(setImmediate);
    collect();
  }
  return object.deref() === undefined;
}

it('keeps the native part of a session as long as that of a stream', async () => {
  const unguarded = await nativePartsOfCall(false);
  expect(await isCollected(unguarded.session)).toBe(true);

  const guarded = await nativePartsOfCall(true);
  expect(await isCollected(guarded.session)).toBe(false);
  const stream = new WeakRef(guarded.stream);
  guarded.stream = {};
  expect(await isCollected(stream)).toBe(true);
  expect(await isCollected(guarded.session)).toBe(true);
});
