/** Makes quotes and orders. Repeating a call changes nothing, as each has a request id. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Customer } from '@rondo/contracts/sales/v1/customers';
import type { Order } from '@rondo/contracts/sales/v1/orders';
import type { Product } from '@rondo/contracts/sales/v1/products';
import type { Quote } from '@rondo/contracts/sales/v1/quotes';
import { createBackoff, createSemaphore, systemRandom } from '@rondo/rpc/clock';
import { toDate } from './calendar.js';
import { type Clients, failedWith, requestId, unless } from './clients.js';
import type { Deal } from './deals.js';

/** How long the confirmation of a project may take after its quote was accepted. */
const CONFIRMED_WITHIN_MS = 10_000;
const PAUSE_MS = 50;
/** Accepted quotes compete for the same first free weeks of the team: more calls at once would only wait longer. */
const oneOfFew = createSemaphore(3).run;
/** Accepting a quote is tried again: on a busy machine it may fail for a while. */
const ATTEMPTS = 5;
const BACKOFF = { baseMs: 500, maxMs: 8_000, random: systemRandom };

/** What deals are made of, by SKU and by index. */
export interface Stock {
  readonly products: ReadonlyMap<string, Product>;
  readonly buyers: readonly Customer[];
}

/** Makes a quote. */
export function makeQuote({ quotes }: Clients, deal: Deal, stock: Stock): Promise<Quote> {
  const quote = { ...toOffer(deal, stock), quoteDate: toDate(deal.day) };
  return ofThatDay(quotes.createQuote({ quote, requestId: requestId(deal.key) }));
}

/** Withdraws a quote, unless it has been changed or accepted since. */
export async function withdrawQuote({ quotes }: Clients, { name, etag }: Quote): Promise<void> {
  await unless(quotes.deleteQuote({ name, etag }), 'ABORTED', 'FAILED_PRECONDITION');
}

/** Accepts a quote. Resolves to its order when the project that delivers it is confirmed. */
export async function acceptQuote({ quotes, orders }: Clients, { name }: Quote, orderDay: number) {
  const accept = () => oneOfFew(() => quotes.acceptQuote({ name, orderDate: toDate(orderDay) }));
  const order = await retry(accept).then(
    (accepted) => accepted.order?.name ?? '',
    async (error) => {
      // An earlier run has accepted it, and cancelled the order.
      const accepted = failedWith(error, 'FAILED_PRECONDITION') && (await quotes.getQuote({ name })).order;
      if (!accepted) throw error;
      return accepted;
    },
  );
  const endsAt = performance.now() + CONFIRMED_WITHIN_MS;
  for (;;) {
    const latest = await orders.getOrder({ name: order });
    if (latest.project !== '') return latest;
    if (performance.now() > endsAt) throw new Error(`the project of ${order} isn't confirmed: see ./rondo tx ls`);
    await sleep(PAUSE_MS);
  }
}

async function retry<T>(call: () => Promise<T>): Promise<T> {
  const backoff = createBackoff(BACKOFF);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !failedWith(error, 'UNAVAILABLE', 'ABORTED')) throw error;
    }
    await sleep(backoff.nextMs());
  }
}

/** Places an order without a quote. */
export async function makeOrder({ orders }: Clients, deal: Deal, stock: Stock): Promise<Order> {
  const order = { ...toOffer(deal, stock), orderDate: toDate(deal.day) };
  const placed = await ofThatDay(orders.placeOrder({ order, requestId: requestId(deal.key) }));
  return deal.fate === 'cancelled' ? await orders.cancelOrder({ name: placed.name }) : placed;
}

/** Explains a request id that was used with other fields: only the dates of a deal differ between two runs. */
async function ofThatDay<Offer>(making: Promise<Offer>): Promise<Offer> {
  const made = await unless(making, 'ALREADY_EXISTS');
  if (made !== undefined) return made;
  throw new Error(
    'the company was made for another day: name that day again by --today, or start with an empty folder: npm start -- --data DIR',
  );
}

const toOffer = ({ customer, lines, discountPercent, taxPercent }: Deal, { products, buyers }: Stock) => ({
  customer: buyers[customer]?.name ?? '',
  lines: lines.map(({ sku, quantity, discountPercent: percent }) => ({
    product: products.get(sku)?.name ?? '',
    quantity,
    discountPercent: toDecimal(percent),
  })),
  discountPercent: toDecimal(discountPercent),
  taxPercent: toDecimal(taxPercent),
});

const toDecimal = (value: string | undefined) => (value === undefined ? undefined : { value });
