/** Plans the company's quotes and orders of the year up to a day. The plan follows from the day alone. */
import { mondayOf } from './calendar.mjs';
import { CUSTOMERS, MEMBERS, PRODUCTS } from './company.mjs';
import { createRandom } from './random.mjs';

const SEED = 20_261_120;
const QUOTES = 157;
const ORDERS = 90;
const TAX_PERCENT = { EUR: '20', GBP: '20', USD: '7.25' };
/** The products whose work comes first or last in a project; the others come in between. */
const FIRST = ['SITE-SURVEY'];
const LAST = ['DASHBOARD', 'INTEGRATION', 'CALIBRATION', 'TRAINING-DAY', 'SUPPORT-YEAR'];
/** The products that are bought in quantities of more than three. */
const BULK = ['SENSOR-KIT', 'PROBE', 'DOOR-CONTACT', 'CABLE-100', 'BATTERY-PACK'];

/** The three deals that the summary describes. */
const TOLD = [
  {
    key: 'harbour',
    customer: 0,
    lines: [line('SITE-SURVEY', 1), line('SENSOR-KIT', 24, '5'), line('GATEWAY', 2)],
    fate: 'active',
  },
  {
    key: 'alder',
    customer: 1,
    lines: [line('SENSOR-KIT', 60, '12.5'), line('GATEWAY', 4)],
    discountPercent: '3',
    fate: 'planned',
  },
  { key: 'northline', customer: 2, lines: [line('TRAINING-DAY', 2), line('SITE-SURVEY', 3)], fate: 'open' },
];

/**
 * Plans the quotes and the fate of each: `open`, `withdrawn`, an order whose project is `archived`, `done`, `active` or `planned`,
 * or an order that was `cancelled`. The three deals of the summary come first. A fate depends on the planned age of the quote, not
 * on the working day that it was moved to, so that the company is the same on each day of the week.
 */
export function planQuotes(today) {
  const random = createRandom(SEED);
  const latest = workday(today);
  const told = TOLD.map((deal) => ({ taxPercent: TAX_PERCENT.EUR, ...deal, day: latest, orderDay: latest }));
  const others = Array.from({ length: QUOTES }, (_, index) => {
    const ageDays = ageOf(index, QUOTES);
    const day = workday(today - ageDays);
    const orderDay = workday(Math.min(today, day + random.between(1, 14)));
    const deal = planLines(random, { most: 5, services: true });
    return {
      key: `quote ${index}`,
      ...deal,
      day,
      orderDay: Math.max(day, orderDay),
      fate: fateOf(random, ageDays),
    };
  });
  return [...told, ...others].map((deal) => ({ ...deal, crew: planCrew(random) }));
}

/** Plans the orders without a quote. */
export function planOrders(today) {
  const random = createRandom(SEED + 1);
  return Array.from({ length: ORDERS }, (_, index) => ({
    key: `order ${index}`,
    ...planLines(random, { most: 3, services: false }),
    day: workday(today - ageOf(index, ORDERS)),
    fate: random.chance(7) ? 'cancelled' : 'placed',
  }));
}

/** The phase in which the work of a line is done: 0, 1 or 2. */
export function phaseOf({ sku }) {
  if (FIRST.includes(withoutMarket(sku))) return 0;
  return LAST.includes(withoutMarket(sku)) ? 2 : 1;
}

/**
 * Plans the time that members spent on projects that are done: a member's week, and minutes of it, within the member's capacity.
 * @returns {{ key: string, member: number, monday: number, minutes: bigint }[]}
 */
export function planPastWeeks(quotes) {
  const taken = new Map();
  const bySku = new Map(PRODUCTS.map((product) => [product.sku, product]));
  return quotes.filter(({ fate }) => fate === 'done').flatMap((deal) => planWeeks(deal, { taken, bySku }));
}

function planWeeks({ key, lines, crew, orderDay }, { taken, bySku }) {
  const monday = mondayOf(orderDay) + 7;
  return crew.flatMap((member, place) => {
    const minutes = lines
      .filter((_, index) => index % crew.length === place)
      .reduce((sum, { sku, quantity }) => sum + quantity * bySku.get(sku).deliveryEffortMinutes, 0n);
    const week = `${member} ${monday}`;
    const free = MEMBERS[member].weeklyCapacityMinutes - (taken.get(week) ?? 0n);
    const share = minutes < free ? minutes : free;
    taken.set(week, (taken.get(week) ?? 0n) + share);
    return share > 0n ? [{ key, member, monday, minutes: share }] : [];
  });
}

/** The age of a deal in days. Later deals are closer together: the company grows. */
function ageOf(index, count) {
  return Math.floor(364 * (1 - (index + 1) / count) ** 1.25);
}

/** The day itself, or the Friday before a day of the weekend. */
function workday(day) {
  return Math.min(day, mondayOf(day) + 4);
}

function fateOf(random, ageDays) {
  const isTaken = random.chance(ageDays < 12 ? 40 : 72);
  const isUndone = random.chance(7);
  const isWithdrawn = random.chance(ageDays < 40 ? 5 : 60);
  if (!isTaken) return isWithdrawn ? 'withdrawn' : 'open';
  if (isUndone) return 'cancelled';
  if (ageDays > 120) return 'archived';
  if (ageDays > 60) return 'done';
  return ageDays > 20 ? 'active' : 'planned';
}

function planLines(random, { most, services }) {
  const customer = random.between(0, CUSTOMERS.length - 1);
  const { currencyCode } = CUSTOMERS[customer];
  const offered = PRODUCTS.filter(
    ({ sku, unitPrice }) => unitPrice.currencyCode === currencyCode && (services || BULK.includes(withoutMarket(sku))),
  );
  const skus = new Set(Array.from({ length: random.between(1, most) }, () => random.pick(offered).sku));
  return {
    customer,
    lines: [...skus].sort(byPhase).map((sku) => planLine(random, sku)),
    discountPercent: random.chance(20) ? random.pick(['2', '2.5', '5']) : undefined,
    taxPercent: TAX_PERCENT[currencyCode],
  };
}

function planLine(random, sku) {
  const quantity = BULK.includes(withoutMarket(sku)) ? random.between(4, 60) : random.between(1, 3);
  return line(sku, quantity, random.chance(25) ? random.pick(['5', '7.5', '10', '12.5']) : undefined);
}

/** The two or three members of a project; the first is its owner. */
function planCrew(random) {
  const crew = new Set();
  const size = random.between(2, 3);
  while (crew.size < size) crew.add(random.between(0, MEMBERS.length - 1));
  return [...crew];
}

function byPhase(a, b) {
  return phaseOf({ sku: a }) - phaseOf({ sku: b });
}

function withoutMarket(sku) {
  return sku.replace(/-U[KS]$/, '');
}

function line(sku, quantity, discountPercent) {
  return { sku, quantity: BigInt(quantity), discountPercent };
}
