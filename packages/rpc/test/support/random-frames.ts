import { beforeEach, jest } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { Metadata, type MetadataValue } from '../../src/call/metadata.js';
import { readRequest, readResponse } from '../../src/transport/tunnel/frame-reader.js';
import { FrameWriter } from '../../src/transport/tunnel/frame-writer.js';
import { FieldReader, FrameError } from '../../src/transport/tunnel/wire-format.js';

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
    message: bytes(random.next() < 0.1 ? 20_000 : 100),
  };
  const timeoutMs = maybe(number());
  const previousAttempts = maybe(1 + below(5));
  const principal = below(1_025);
  const assertion = maybe('a.b.c');
  return { ...common, timeoutMs, previousAttempts, principal, assertion, metadata };
}

export function randomReply() {
  const failure = maybe({
    code: 1 + below(16),
    message: maybe('grüße 👋') ?? '',
    details: maybe(bytes(200)),
    notHandled: maybe('/package.Service/Method'),
    retryPushback: maybe(`${below(100) - 1}`),
  });
  const common = {
    id: number(),
    message: bytes(random.next() < 0.1 ? 20_000 : 100),
    totalBytes: number(),
    more: random.next() < 0.5,
    failure,
  };
  return { ...common, header: entries(), trailer: entries() };
}

/** Reads this many messages of calls with broken bytes, and returns how often that was refused. */
export function countRefused(messages: number): number {
  const writer = new FrameWriter();
  let refused = 0;
  const ignore = { onHello() {}, onCall() {}, onCancel() {}, onWelcome() {}, onReply() {}, onGoAway() {} };
  for (let left = messages; left > 0; left -= 1) {
    writer.call({ ...randomCall(), metadata: new Metadata(entries()) });
    const batch = writer.take();
    for (let changes = 1 + below(4); changes > 0; changes -= 1) batch[below(batch.length)] = below(256);
    const broken = Buffer.from(batch.subarray(0, random.next() < 0.3 ? below(batch.length) : batch.length));
    const all = Number.MAX_SAFE_INTEGER;
    for (const read of [
      () => readRequest(new FieldReader(broken), ignore, all),
      () => readResponse(new FieldReader(broken), ignore, all),
    ]) {
      try {
        read();
      } catch (error) {
        if (!(error instanceof FrameError)) throw new Error(broken.toString('hex'), { cause: error });
        refused += 1;
      }
    }
  }
  return refused;
}
