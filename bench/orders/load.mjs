import { randomUUID } from 'node:crypto';
import { CUSTOMERS, PRODUCTS } from './stock.mjs';

const between = (least, most) => least + Math.floor(Math.random() * (most - least + 1));

/** An order of two products, as the script of pgbench has it. */
function anOrder() {
  const half = PRODUCTS / 2;
  return {
    order: {
      customer: `customers/${between(1, CUSTOMERS)}`,
      lines: [
        { product: `products/${between(1, half)}`, quantity: 2n },
        { product: `products/${between(half + 1, PRODUCTS)}`, quantity: 1n },
      ],
      taxPercent: { value: '20' },
      orderDate: { year: 2026, month: 1, day: 31 },
    },
    requestId: randomUUID(),
  };
}

/** So many callers, each with its next order as soon as it has the last; how many a second, and how long each took. */
export async function placeOrders(orders, { clients, seconds }) {
  const beginAt = performance.now();
  const endAt = beginAt + seconds * 1000;
  const tookMs = [];
  const caller = async () => {
    for (;;) {
      const callAt = performance.now();
      if (callAt >= endAt) return;
      await orders.placeOrder(anOrder());
      tookMs.push(performance.now() - callAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, caller));
  return { rate: (tookMs.length / (performance.now() - beginAt)) * 1000, tookMs };
}

/** All of them at once want one of one product: how each fared, by status. */
export async function rush(orders, { buyers, product }) {
  const lines = [{ product: `products/${product}`, quantity: 1n }];
  const one = (_, index) =>
    orders
      .placeOrder({ order: { customer: `customers/${1 + (index % CUSTOMERS)}`, lines }, requestId: randomUUID() })
      .then(
        () => 'OK',
        (error) => error.codeName ?? String(error),
      );
  const beginAt = performance.now();
  const outcomes = await Promise.all(Array.from({ length: buyers }, one));
  const counts = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { counts, tookMs: performance.now() - beginAt };
}
