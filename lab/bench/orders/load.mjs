import { randomUUID } from 'node:crypto';

/** How many products and customers there are. Their ids are numbers, so that pgbench can draw them. */
export const PRODUCTS = 100;
export const CUSTOMERS = 1000;

/**
 * Places orders for some seconds: each of the clients places its next one as soon as the last is answered.
 *
 * @returns how many a second (`rate`), and how long each took (`tookMs`).
 */
export async function placeOrders(orders, { clients, seconds }) {
  const beginAt = performance.now();
  const endAt = beginAt + seconds * 1000;
  const tookMs = [];
  const client = async () => {
    for (;;) {
      const callAt = performance.now();
      if (callAt >= endAt) return;
      await orders.placeOrder(anOrder());
      tookMs.push(performance.now() - callAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { rate: (tookMs.length / (performance.now() - beginAt)) * 1000, tookMs };
}

/** Has all buyers order one unit of one product at once; gives how many calls ended with each status, and the time of all. */
export async function rush(orders, { buyers, product }) {
  const lines = [{ product: `products/${product}`, quantity: 1n }];
  const buy = (_, index) =>
    orders
      .placeOrder({ order: { customer: `customers/${1 + (index % CUSTOMERS)}`, lines }, requestId: randomUUID() })
      .then(
        () => 'OK',
        (error) => error.codeName ?? String(error),
      );
  const beginAt = performance.now();
  const codes = await Promise.all(Array.from({ length: buyers }, buy));
  const counts = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return { counts, tookMs: performance.now() - beginAt };
}

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

const between = (least, most) => least + Math.floor(Math.random() * (most - least + 1));
