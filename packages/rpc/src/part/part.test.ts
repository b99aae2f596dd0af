import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { type Part, stopParts } from './part.js';

it('parts are all stopped, the last first, even if one fails to or hangs, which the error names', async () => {
  const stopped: string[] = [];
  const clock = new ManualClock();
  const parts: Part[] = [
    { name: 'first', stop: () => void stopped.push('first') },
    { name: 'broken', stop: () => Promise.reject(new Error('no')) },
    { name: 'stuck', stop: () => new Promise(() => undefined) },
    { name: 'last', stop: () => void stopped.push('last') },
  ];
  const stopping = stopParts({ parts }, { clock });
  stopping.catch(() => undefined); // awaited below
  await clock.advance(2_000);
  await expect(stopping).rejects.toThrow('stuck: no answer within 2000 ms; broken: no');
  expect(stopped).toEqual(['last', 'first']);
});
