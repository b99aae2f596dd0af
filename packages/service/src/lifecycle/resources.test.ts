import { expect, it } from '@jest/globals';
import { createResources } from './resources.js';

it('lets go of all, the latest first, even where one fails, and once', async () => {
  const resources = createResources();
  const released: string[] = [];
  resources.hold(() => void released.push('first'));
  resources.hold(() => Promise.reject(new Error('stuck')));
  resources.hold(async () => void released.push('last'));
  await expect(resources.release()).rejects.toThrow('stuck');
  await resources.release();
  expect(released).toEqual(['last', 'first']);
});
