import { expect, it } from '@jest/globals';
import { type Part, stopParts } from './part.js';

it('parts are all stopped, the last first, even if one fails to', async () => {
  const stopped: string[] = [];
  const parts: Part[] = [
    { name: 'first', stop: () => void stopped.push('first') },
    { name: 'stuck', stop: () => Promise.reject(new Error('stuck')) },
    { name: 'last', stop: () => void stopped.push('last') },
  ];
  await expect(stopParts({ parts })).rejects.toThrow('stuck');
  expect(stopped).toEqual(['last', 'first']);
});
