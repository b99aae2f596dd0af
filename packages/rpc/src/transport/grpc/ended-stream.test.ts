import http2, { type Http2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { letGoOnceClosed } from './ended-stream.js';

const CALLS = 10;
const MESSAGE_BYTES = 64 * 1024;
const [WARM_UP, ROUNDS] = [3, 12];

setFlagsFromString('--expose-gc');
const collect: (options: { type: 'minor' }) => void = runInNewContext('gc');

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/**
 * How many times the length of a message is kept in buffers for each call after a collection of the young generation: the quartiles of
 * some rounds. V8 may collect at any time: then calls in flight are kept, or all that was kept before is freed.
 */
async function keptBy(call: () => Promise<unknown>): Promise<{ lower: number; upper: number }> {
  const kept: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const before = process.memoryUsage().arrayBuffers;
    for (let made = 0; made < CALLS; made += 1) await call();
    // The other end may close its stream later.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    collect({ type: 'minor' });
    if (round >= WARM_UP) kept.push((process.memoryUsage().arrayBuffers - before) / (CALLS * MESSAGE_BYTES));
  }
  const [lower = Number.NaN, upper = Number.NaN] = kept
    .sort((a, b) => a - b)
    .filter((_, index) => index === ROUNDS >> 2 || index === (3 * ROUNDS) >> 2);
  return { lower, upper };
}

/** Makes calls of bare HTTP/2 to a server, each with a listener that holds a message, and measures what is kept. */
async function measure(prepare: (stream: Http2Stream) => void): Promise<{ lower: number; upper: number }> {
  const server = http2.createServer();
  closers.push(() => server.close());
  server.on('stream', (stream) => stream.respond({ ':status': 200 }, { endStream: true }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closers.push(() => session.destroy());
  return await keptBy(async () => {
    const stream = session.request({ ':path': '/' });
    prepare(stream);
    const held = new ArrayBuffer(MESSAGE_BYTES);
    await new Promise<void>((resolve) => {
      stream.resume().on('close', () => resolve(void held.byteLength));
    });
  });
}

describe('a stream that has closed', () => {
  it('lets go of what its listeners hold', async () => {
    expect((await measure(letGoOnceClosed)).lower).toBeLessThan(0.5);
  });

  it('holds it otherwise', async () => {
    expect((await measure(() => undefined)).upper).toBeGreaterThan(0.5);
  });
});
