import { expect, it } from '@jest/globals';
import { firstToEnd } from './child.js';

it.each([
  [
    'a slow call',
    { level: 'warn', method: '/shop.v1.CartService/AddItem', msg: 'slow call' },
    'slow call: shop.v1.CartService/AddItem',
  ],
  [
    'a failed request',
    { level: 'warn', method: 'POST', path: '/v1/carts', status: 503, msg: 'request failed' },
    'request failed: POST /v1/carts',
  ],
  [
    'a failed call, and why',
    { level: 'error', method: '/shop.v1.CartService/AddItem', error: 'no stock', msg: 'call failed' },
    'call failed: shop.v1.CartService/AddItem (no stock)',
  ],
  ['the reason of what has no method', { level: 'warn', reason: 'ENOSPC', msg: 'no log' }, 'no log (ENOSPC)'],
])('names the method of %s', async (_what, line, printed) => {
  const ended = { name: 'shop-1', ended: Promise.resolve('exit code 1'), lastLines: () => [JSON.stringify(line)] };
  await expect(firstToEnd([ended])).rejects.toThrow(`shop-1 has ended (exit code 1)\n  ${printed}`);
});
