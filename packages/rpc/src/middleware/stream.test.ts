import { describe, expect, it } from '@jest/globals';
import { collect, endless, silent, streamOf } from '../../test/support/stream.js';
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
  it('sees messages before their reader, and the end once', async () => {
    const { events, observer } = recorder();
    for await (const message of observe(streamOf(1, 2), observer)) expect(events.at(-1)).toBe(message);
    expect(events).toEqual([1, 2, 'end']);
  });

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
  it('reads nothing ahead', async () => {
    let pulled = 0;
    const pull = () => {
      pulled += 1;
    };
    for await (const message of mapMessages(endless(2, { pull }), (value) => value * 2)) {
      expect(message).toBe(4);
      expect(pulled).toBe(1);
      break;
    }
  });

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

  it('changes nothing before the abort', async () => {
    const { signal } = new AbortController();
    expect(await collect(untilAborted(streamOf(1, 2), signal))).toEqual([1, 2]);
  });
});
