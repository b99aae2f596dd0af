import { describe, expect, it } from '@jest/globals';
import { framed as frame } from '../../test/support/unary-server.js';
import { MessageReader } from './requests.js';

/** A reader of messages of at most `maxBytes`. */
function readerOf(maxBytes: number): MessageReader {
  return new MessageReader({
    checkPrefix(_flags, length) {
      if (length > maxBytes) throw new RangeError('too long');
    },
  });
}

function read(reader: MessageReader, chunks: readonly Buffer[]): Buffer[] {
  const found: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) found.push(next.data);
  }
  return found;
}

const messages = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(1_000, 'x'), Buffer.from('four')];
const stream = Buffer.concat(messages.map((message) => frame(message)));

describe('the messages of a stream', () => {
  it.each([1, 2, 4, 5, 6, 7, 64, 999, 5_000])('are the same in chunks of %i bytes', (size) => {
    const reader = readerOf(1_000);
    const chunks = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    expect(read(reader, chunks)).toEqual(messages);
    expect(reader.whole).toBe(true);
  });

  it('takes a message that lies in one chunk from that chunk, without a copy', () => {
    const chunk = frame(Buffer.from('one'));
    const [data] = read(readerOf(10), [chunk]);
    chunk.write('two', 5);
    expect(String(data)).toBe('two');
  });

  it.each([1, 4, 5, 7])('says that a stream of %i bytes ends inside a message', (length) => {
    const reader = readerOf(10);
    read(reader, [frame(Buffer.from('one')).subarray(0, length)]);
    expect(reader.whole).toBe(false);
  });

  it('refuses a message at its declared length', () => {
    const reader = readerOf(4);
    reader.push(Buffer.from([0, 0, 0, 0, 5]));
    expect(() => reader.next()).toThrow('too long');
  });

  it('allocates for what has arrived, not for what is declared', () => {
    const readers = Array.from({ length: 1_000 }, () => readerOf(4 * 2 ** 20));
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) {
      read(reader, [Buffer.from([0, 0, 0x40, 0, 0]), Buffer.from('x')]);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
    expect(readers.every(({ whole }) => !whole)).toBe(true);
  });

  it('copies each byte of tiny chunks a bounded number of times', () => {
    const reader = readerOf(2 ** 16);
    const bytes = frame(Buffer.alloc(2 ** 16, 'x'));
    const copied = countCopies(() =>
      read(
        reader,
        Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)),
      ),
    );
    expect(copied).toBeLessThan(4 * bytes.length);
  });
});

/** How many bytes `Buffer.prototype.copy` copies while `work` runs. */
function countCopies(work: () => void): number {
  const { copy } = Buffer.prototype;
  let bytes = 0;
  Buffer.prototype.copy = function counted(this: Buffer, ...args: Parameters<Buffer['copy']>) {
    const copied = copy.apply(this, args);
    bytes += copied;
    return copied;
  };
  try {
    work();
  } finally {
    Buffer.prototype.copy = copy;
  }
  return bytes;
}
