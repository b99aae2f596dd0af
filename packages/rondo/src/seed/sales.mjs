/** Makes quotes and orders. Repeating a call changes nothing, as each has a request id. */
import { setTimeout as sleep } from 'node:timers/promises';
import { retry } from '../workspace/backoff.js';
import { createSemaphore } from '../workspace/concurrency.js';
import { toDate } from './calendar.mjs';
import { requestId } from './random.mjs';

/** How long the confirmation of a project may take after its quote was accepted. */
const CONFIRMED_WITHIN_MS = 10_000;
const PAUSE_MS = 50;
/** Accepted quotes compete for the same first free weeks of the team: more calls at once would only wait longer. */
const oneOfFew = createSemaphore(3);
/** A machine that is busy with other things may let a call fail for a while. */
const ATTEMPTS = 5;
const FIRST_DELAY_MS = 500;

/** Makes a quote. */
export function makeQuote({ quotes, Status }, deal, { bySku, buyers }) {
  const quote = { ...toOffer(deal, { bySku, buyers }), quoteDate: toDate(deal.day) };
  return unlessOfAnotherDay(Status, quotes.createQuote({ quote, requestId: requestId(deal.key) }));
}

/** Withdraws a quote, unless it has been changed or accepted since. */
export async function withdrawQuote({ quotes, Status }, { name, etag }) {
  await quotes.deleteQuote({ name, etag }).catch((error) => {
    if (error.code !== Status.ABORTED && error.code !== Status.FAILED_PRECONDITION) throw error;
  });
}

/** Accepts a quote. Resolves to its order when the project that delivers it is confirmed. */
export async function acceptQuote({ quotes, orders, Status }, { name }, { orderDay }) {
  const accept = () => oneOfFew(() => quotes.acceptQuote({ name, orderDate: toDate(orderDay) }));
  const isRetryable = ({ code }) => code === Status.UNAVAILABLE || code === Status.ABORTED;
  const accepting = retry(accept, { attempts: ATTEMPTS, firstMs: FIRST_DELAY_MS, isRetryable });
  const { order } = await accepting.catch(async (error) => {
    // An earlier run has accepted it, and cancelled the order.
    const accepted = error.code === Status.FAILED_PRECONDITION && (await quotes.getQuote({ name }));
    if (!accepted?.order) throw error;
    return { order: await orders.getOrder({ name: accepted.order }) };
  });
  const endsAt = performance.now() + CONFIRMED_WITHIN_MS;
  for (let latest = order; ; latest = await orders.getOrder({ name: order.name })) {
    if (latest.project !== '') return latest;
    if (performance.now() > endsAt) throw new Error(`the project of ${order.name} isn't confirmed: see ./rondo tx ls`);
    await sleep(PAUSE_MS);
  }
}

/** Places an order without a quote. */
export async function makeOrder({ orders, Status }, deal, { bySku, buyers }) {
  const order = { ...toOffer(deal, { bySku, buyers }), orderDate: toDate(deal.day) };
  const placed = await unlessOfAnotherDay(Status, orders.placeOrder({ order, requestId: requestId(deal.key) }));
  return deal.fate === 'cancelled' ? orders.cancelOrder({ name: placed.name }) : placed;
}

/** Explains a request id that was used with other fields: only the dates of a deal differ between two runs. */
function unlessOfAnotherDay(Status, made) {
  return made.catch((error) => {
    if (error.code !== Status.ALREADY_EXISTS) throw error;
    throw new Error(
      'the company was made for another day: name that day again by --today, or start with an empty folder: npm start -- --data DIR',
      { cause: error },
    );
  });
}

function toOffer({ customer, lines, discountPercent, taxPercent }, { bySku, buyers }) {
  return {
    customer: buyers[customer].name,
    lines: lines.map(({ sku, quantity, discountPercent: percent }) => ({
      product: bySku.get(sku).name,
      quantity,
      discountPercent: toDecimal(percent),
    })),
    discountPercent: toDecimal(discountPercent),
    taxPercent: toDecimal(taxPercent),
  };
}

function toDecimal(value) {
  return value === undefined ? undefined : { value };
}
