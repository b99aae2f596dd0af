import http2 from 'node:http2';
import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { closersOfATest } from '../../test/support/closers.js';
import { conformanceService } from '../../test/support/service.js';
import { collect } from '../../test/support/stream.js';
import type { Handlers } from '../server/handlers.js';
import { createRouter } from '../server/router.js';
import { PingBarrier } from './ping-barrier.js';
import { MessageReader } from './requests.js';
import { serve } from './serve.js';

const PATH = '/rondo.conformance.v1.ConformanceService/ClientStream';
const closers = closersOfATest();

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

const MESSAGE = Buffer.from([0, 0, 0, 0, 0]);

describe('a stream of requests', () => {
  it('gives reads that begin together a message each, in order, and then its end', async () => {
    const session = await connect(async (requests) => {
      const reads = requests[Symbol.asyncIterator]();
      const steps = await Promise.all([reads.next(), reads.next(), reads.next(), reads.next()]);
      return { texts: steps.map((step) => (step.done === true ? 'end' : step.value.text)) };
    });
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const answer = collect<Buffer>(stream);
    for (const text of ['a', 'b']) stream.write(Buffer.from([0, 0, 0, 0, 3, 10, 1, ...Buffer.from(text)]));
    stream.end();
    const reply = Buffer.concat(await answer).subarray(MESSAGE.length);
    expect(reply.toString('latin1')).toBe('\n\x01a\n\x01b\n\x03end\n\x03end');
  });
});

/** Messages of these lengths, as gRPC frames them. */
function framed(...lengths: readonly number[]): Buffer {
  return Buffer.concat(
    lengths.map((length) => {
      const message = Buffer.alloc(5 + length);
      message.writeUInt32BE(length, 1);
      return message;
    }),
  );
}

/** A reader that has read all of these bytes, in chunks. */
function readerOf(bytes: Buffer, chunkBytes = bytes.length): MessageReader {
  const reader = new MessageReader({ checkPrefix: () => undefined });
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.push(bytes.subarray(at, at + chunkBytes));
    while (reader.next() !== undefined);
  }
  return reader;
}

describe('a reader of messages', () => {
  it('is whole before the first byte, and after each message', () => {
    expect(readerOf(Buffer.alloc(0)).whole).toBe(true);
    expect(readerOf(framed(0)).whole).toBe(true);
    expect(readerOf(framed(3, 0, 70_000)).whole).toBe(true);
  });

  const bytes = framed(3, 0, 12);
  const ends = new Set([0, 8, 13, 30]);

  it.each(Array.from({ length: bytes.length + 1 }, (_, cut) => cut))('detects a stream cut after %i bytes', (cut) => {
    for (const chunkBytes of [1, 2, 7, 100])
      expect(readerOf(bytes.subarray(0, cut), chunkBytes).whole).toBe(ends.has(cut));
  });
});

/** A connection whose pings are answered when the test says so. */
function connection() {
  const waiting: (() => void)[] = [];
  const ping = (callback: (error: Error | null, duration: number, payload: Buffer) => void) => {
    waiting.push(() => callback(null, 1, Buffer.alloc(8)));
    return true;
  };
  const answer = async () => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { session: { ping } as ConstructorParameters<typeof PingBarrier>[0], waiting, answer };
}

/** Whether `work` is done by now. */
async function isDone(work: Promise<void>): Promise<boolean> {
  let done = false;
  void work.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe('PingBarrier', () => {
  it('is passed with the answer to the second ping', async () => {
    const { session, answer } = connection();
    const passed = new PingBarrier(session, new ManualClock()).passed();
    await answer();
    expect(await isDone(passed)).toBe(false);
    await answer();
    expect(await isDone(passed)).toBe(true);
  });

  it('uses the next two pings for all callers that come while pings are under way', async () => {
    const { session, answer, waiting } = connection();
    const barrier = new PingBarrier(session, new ManualClock());
    const first = barrier.passed();
    const later = [barrier.passed(), barrier.passed(), barrier.passed()];
    await answer();
    await answer();
    expect(await isDone(first)).toBe(true);
    for (const one of later) expect(await isDone(one)).toBe(false);
    await answer();
    await answer();
    for (const one of later) expect(await isDone(one)).toBe(true);
    expect(waiting).toHaveLength(0);
  });

  it('is passed when the connection has ended', async () => {
    const session = {
      ping(): boolean {
        throw new Error('The session has been destroyed');
      },
    };
    await new PingBarrier(session, new ManualClock()).passed();
    expect(await isDone(new PingBarrier(session, new ManualClock()).passed())).toBe(true);
  });
});
