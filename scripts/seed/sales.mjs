/** Offers and orders: what is made under a request id, and changes no more than once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createGate } from '../concurrency.mjs';
import { toDate } from './calendar.mjs';
import { requestId } from './random.mjs';

/** For how long the projects of accepted quotes may take to be confirmed. */
const CONFIRMED_WITHIN_MS = 10_000;
const PAUSE_MS = 50;
/** All want the same first free weeks of the team, one after the other: more at a time would wait for longer, not be faster. */
const oneOfFew = createGate(3);
const ATTEMPTS = 5;
const PAUSE_OF_ATTEMPTS_MS = 500;

/** Makes an offer. */
export function makeQuote({ quotes, Status }, deal, { bySku, buyers }) {
  const quote = { ...toOffer(deal, { bySku, buyers }), quoteDate: toDate(deal.day) };
  return unlessOfAnotherDay(Status, quotes.createQuote({ quote, requestId: requestId(deal.key) }));
}

/** Takes an offer back, unless somebody has done something with it since. */
export async function withdrawQuote({ quotes, Status }, { name, etag }) {
  await quotes.deleteQuote({ name, etag }).catch((error) => {
    if (error.code !== Status.ABORTED && error.code !== Status.FAILED_PRECONDITION) throw error;
  });
}

/** Accepts an offer; its order, with the project that delivers it. */
export async function acceptQuote({ quotes, orders, Status }, { name }, { orderDay }) {
  const { order } = await patiently(Status, () =>
    oneOfFew(() => quotes.acceptQuote({ name, orderDate: toDate(orderDay) })),
  );
  const endsAt = performance.now() + CONFIRMED_WITHIN_MS;
  for (let latest = order; ; latest = await orders.getOrder({ name: order.name })) {
    if (latest.project !== '') return latest;
    if (performance.now() > endsAt) throw new Error(`the project of ${order.name} isn't confirmed: see ./rondo tx ls`);
    await sleep(PAUSE_MS);
  }
}

/** Sells without an offer. */
export async function makeOrder({ orders, Status }, deal, { bySku, buyers }) {
  const order = { ...toOffer(deal, { bySku, buyers }), orderDate: toDate(deal.day) };
  const placed = await unlessOfAnotherDay(Status, orders.placeOrder({ order, requestId: requestId(deal.key) }));
  return deal.fate === 'cancelled' ? orders.cancelOrder({ name: placed.name }) : placed;
}

/** A request id that was taken for something else: only the dates of a deal differ between two runs. */
function unlessOfAnotherDay(Status, made) {
  return made.catch((error) => {
    if (error.code !== Status.ALREADY_EXISTS) throw error;
    throw new Error(
      'the company was made for another day: name that day again by --today, or start with an empty folder: npm start -- --data DIR',
      { cause: error },
    );
  });
}

/** Tries again what passes, on a machine that is busy with other things. */
async function patiently(Status, call) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const passes = error.code === Status.UNAVAILABLE || error.code === Status.ABORTED;
      if (!passes || attempt === ATTEMPTS) throw error;
    }
    await sleep(PAUSE_OF_ATTEMPTS_MS);
  }
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
