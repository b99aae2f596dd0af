import { beforeEach, jest } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { Metadata, type MetadataValue } from '../../src/call/metadata.js';
import { readAbout, readCall, readEnd, readHeader, readMessage } from '../../src/transport/frames/frame-reader.js';
import { FrameWriter } from '../../src/transport/frames/frame-writer.js';
import { FrameError } from '../../src/transport/frames/frames.js';

const PREFIX_BYTES = 5;
export const SEED = jest.getSeed();
let random = seededRandom(SEED);
// A test that runs alone gets the same.
beforeEach(() => {
  random = seededRandom(SEED);
});
export const below = (limit: number): number => Math.floor(random.next() * limit);
const maybe = <T>(value: T): T | undefined => (random.next() < 0.5 ? value : undefined);
const bytes = (most: number): Buffer => Buffer.from(random.hex(below(most)), 'hex');
/** Lengths and numbers whose encoding takes one to five bytes. */
export const number = (): number => below(2 ** (1 + below(32)));
const text = (): string => bytes(300).toString('base64');

const entries = (): readonly [string, MetadataValue][] =>
  Array.from({ length: below(4) }, (_, index) =>
    random.next() < 0.5 ? [`key-${index}`, text()] : [`key-${index}-bin`, bytes(300)],
  );

export function randomCall() {
  const metadata = entries();
  const common = {
    id: number(),
    method: number(),
    path: maybe('/package.Service/Method') ?? '',
    message: maybe(bytes(random.next() < 0.1 ? 20_000 : 100)),
    compressed: random.next() < 0.5,
  };
  const timeoutMs = maybe(number());
  const previousAttempts = maybe(1 + below(5));
  const principal = below(1_025);
  const assertion = maybe('a.b.c');
  return { ...common, timeoutMs, previousAttempts, principal, assertion, metadata };
}

export function randomEnd() {
  const failure = maybe({
    code: 1 + below(16),
    message: maybe('grüße 👋') ?? '',
    details: maybe(bytes(200)),
    notHandled: maybe('/package.Service/Method'),
    retryPushback: maybe(`${below(100) - 1}`),
  });
  return { id: number(), message: maybe(bytes(200)), failure, header: entries(), trailer: entries() };
}

export function randomMessage() {
  const common = { id: number(), data: bytes(random.next() < 0.1 ? 16_000 : 100), totalBytes: number() };
  return { ...common, more: random.next() < 0.5, compressed: random.next() < 0.5 };
}

/** Reads this many frames with broken bytes, each as every kind, and returns how often that was refused. */
export function countRefused(frames: number): number {
  const writer = new FrameWriter();
  let refused = 0;
  for (let left = frames; left > 0; left -= 1) {
    if (random.next() < 0.5) writer.call({ ...randomCall(), metadata: new Metadata(entries()) });
    else writer.end({ ...randomEnd(), header: new Metadata(entries()), trailer: undefined });
    const batch = writer.take().subarray(PREFIX_BYTES);
    for (let changes = 1 + below(4); changes > 0; changes -= 1) batch[below(batch.length)] = below(256);
    const broken = Buffer.from(batch.subarray(0, random.next() < 0.3 ? below(batch.length) : batch.length));
    for (const read of [readCall, readMessage, readHeader, readEnd, readAbout]) {
      try {
        read(broken);
      } catch (error) {
        if (!(error instanceof FrameError)) throw new Error(broken.toString('hex'), { cause: error });
        refused += 1;
      }
    }
  }
  return refused;
}
