import { describe, expect, it } from '@jest/globals';
import { yieldToEventLoop } from '@rondo/base';
import { MessageReader } from './message-reader.js';
import type { FieldReader } from './wire-format.js';

/** A reader of messages of numbers, two in each turn. `seen` has what was read. */
function reader() {
  const seen: (number | 'read')[] = [];
  const readFrames = (fields: FieldReader) => {
    for (let left = 2; left > 0 && !fields.atEnd; left -= 1) seen.push(fields.number());
    return !fields.atEnd;
  };
  const messages: MessageReader = new MessageReader(readFrames, () => seen.push('read'));
  return { messages, seen };
}

describe('the messages of a tunnel', () => {
  it('are read a few frames at a time, and the event loop turns in between', async () => {
    const { messages, seen } = reader();
    messages.read(Buffer.from([1, 2, 3, 4, 5]));
    expect(seen).toEqual([1, 2]);
    expect(messages.isBusy).toBe(true);
    await yieldToEventLoop();
    expect(seen).toEqual([1, 2, 3, 4]);
    await yieldToEventLoop();
    expect(seen).toEqual([1, 2, 3, 4, 5, 'read']);
    expect(messages.isBusy).toBe(false);
  });

  it('are read to their end when the stream ends, and once', async () => {
    const { messages, seen } = reader();
    messages.read(Buffer.from([1, 2, 3, 4, 5, 6, 7]));
    messages.finish();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await yieldToEventLoop();
    await yieldToEventLoop();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});
