import { expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { type Expiring, ExpiryQueue } from './expiry-queue.js';

it.each([1, 2, 3, 4, 5])('always returns the item that expires first, seed %i', (seed) => {
  const random = seededRandom(seed);
  const time = () => Math.floor(random.next() * 1000);
  const queue = new ExpiryQueue<Expiring>();
  const queued: Expiring[] = [];
  const found: unknown[] = [];
  const expected: unknown[] = [];
  for (let step = 0; step < 2000; step += 1) {
    const chance = random.next();
    const item = queued[Math.floor(random.next() * queued.length)];
    if (item === undefined || chance < 0.4) {
      const added = { expiresAtMs: time(), place: -1 };
      queue.add(added);
      queued.push(added);
    } else if (chance < 0.7) queue.reschedule(item, time());
    else {
      queue.delete(item);
      queued.splice(queued.indexOf(item), 1);
    }
    const earliest = queued.length === 0 ? undefined : Math.min(...queued.map(({ expiresAtMs }) => expiresAtMs));
    const early = queued.filter(({ expiresAtMs }) => expiresAtMs <= 300 && expiresAtMs % 2 === 0).length;
    const even = ({ expiresAtMs }: Expiring) => expiresAtMs % 2 === 0;
    const counts = [Number.POSITIVE_INFINITY, 5].map((most) => queue.countUntil(300, even, most));
    found.push([queue.first?.expiresAtMs, ...counts]);
    expected.push([earliest, early, Math.min(early, 5)]);
  }
  expect(found).toEqual(expected);
});

it('ignores an item that is not queued', () => {
  const queue = new ExpiryQueue<Expiring>();
  const item = { expiresAtMs: 1, place: -1 };
  queue.add(item);
  queue.delete({ expiresAtMs: 0, place: 0 });
  expect(queue.first).toBe(item);
  queue.delete(item);
  queue.delete(item);
  expect(queue.first).toBeUndefined();
});
