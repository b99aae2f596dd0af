import { describe, expect, it } from '@jest/globals';
import { collect, endless, silent } from '../../test/support/stream.js';
import { mapMessages, observe, untilAborted } from './stream.js';

const broken = new Error('broken');

async function* failing(): AsyncGenerator<number> {
  yield 1;
  throw broken;
}

function recorder() {
  const events: unknown[] = [];
  const observer = {
    message: (message: number) => events.push(message),
    end: (error?: unknown) => events.push(error ?? 'end'),
  };
  return { events, observer };
}

describe('observe', () => {
  it('sees a failure, and maps the error that the reader gets', async () => {
    const { events, observer } = recorder();
    const seen = new Error('seen');
    const messages = observe(failing(), { ...observer, error: (error) => (error === broken ? seen : error) });
    await expect(collect(messages)).rejects.toBe(seen);
    expect(events).toEqual([1, seen]);
  });

  it('sees a reader leave, and lets the source clean up', async () => {
    const { events, observer } = recorder();
    let cleaned = false;
    const source = endless(1, {
      end: () => {
        cleaned = true;
      },
    });
    for await (const _message of observe(source, observer)) break;
    expect(events).toEqual([1, 'end']);
    expect(cleaned).toBe(true);
  });
});

describe('mapMessages', () => {
  it('closes the source if its own function throws', async () => {
    let cleaned = false;
    const source = endless(1, {
      end: () => {
        cleaned = true;
      },
    });
    const mapped = mapMessages(source, () => {
      throw broken;
    });
    await expect(collect(mapped)).rejects.toBe(broken);
    expect(cleaned).toBe(true);
  });
});

describe('untilAborted', () => {
  it('ends a pending read with the reason, and every later one', async () => {
    const controller = new AbortController();
    const iterator = untilAborted(silent<number>(), controller.signal)[Symbol.asyncIterator]();
    const waiting = iterator.next();
    controller.abort(broken);
    await expect(waiting).rejects.toBe(broken);
    await expect(iterator.next()).rejects.toBe(broken);
  });
});
