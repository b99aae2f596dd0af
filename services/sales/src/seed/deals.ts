/** The company's quotes and orders of the year up to a day. What is in them is data, and only their days follow from that day. */
import { readFileSync } from 'node:fs';
import { mondayOf } from './calendar.js';
import { CUSTOMERS, MEMBERS, offerOf } from './company.js';

/** A row for each deal, which {@link parseDeal} reads. */
const table: Readonly<Record<'quotes' | 'orders', readonly string[]>> = JSON.parse(
  readFileSync(new URL('../../seed/deals.json', import.meta.url), 'utf8'),
);

const FATES = ['open', 'withdrawn', 'cancelled', 'placed', 'planned', 'active', 'done', 'archived'] as const;
/** What becomes of a deal: of its quote, its order, or the project that delivers it. */
export type Fate = (typeof FATES)[number];

/** A quote or an order that is planned. */
export interface Deal {
  /** Its request id follows from it. */
  readonly key: string;
  readonly fate: Fate;
  /** The index of its customer. */
  readonly customer: number;
  readonly day: number;
  readonly orderDay: number;
  /** The indexes of the members of its project, of which the first is the owner. An order without a quote has no project. */
  readonly crew: readonly number[];
  readonly discountPercent: string | undefined;
  readonly taxPercent: string;
  readonly lines: readonly {
    readonly sku: string;
    readonly quantity: bigint;
    readonly discountPercent: string | undefined;
  }[];
}

/** The first deals of the table, which the summary describes. */
export const DESCRIBED: readonly string[] = ['harbour', 'alder', 'northline'];

/** The quotes, {@link DESCRIBED} first. */
export const planQuotes = (today: number): readonly Deal[] =>
  table.quotes.map((row, index) => parseDeal(DESCRIBED[index] ?? `quote ${index - DESCRIBED.length}`, row, today));

/** The orders without a quote. */
export const planOrders = (today: number): readonly Deal[] =>
  table.orders.map((row, index) => parseDeal(`order ${index}`, row, today));

/** A row has fate, customer, the deal's age and the time until its order in days, crew, discount in percent, and lines. */
function parseDeal(key: string, row: string, today: number): Deal {
  const [said, customer, ageDays, orderAfterDays, crew = '', discountPercent, ...lines] = row.split(' ');
  const fate = FATES.find((one) => one === said);
  if (fate === undefined) throw new RangeError(`deals.json: "${said}" of ${key} is no fate`);
  const day = workday(today - Number(ageDays));
  return {
    key,
    fate,
    customer: Number(customer),
    day,
    orderDay: Math.max(day, workday(Math.min(today, day + Number(orderAfterDays)))),
    crew: crew === '-' ? [] : crew.split(',').map(Number),
    discountPercent: discountPercent === '-' ? undefined : discountPercent,
    taxPercent: CUSTOMERS[Number(customer)]?.currencyCode === 'USD' ? '7.25' : '20',
    lines: lines.map((line) => {
      const [sku = '', quantity = '0', percent] = line.split(':');
      return { sku, quantity: BigInt(quantity), discountPercent: percent };
    }),
  };
}

/** The day itself, or the Friday before a day of the weekend. */
const workday = (day: number): number => Math.min(day, mondayOf(day) + 4);

/** The time that a member has spent on a project in a week. */
export interface PastWeek extends Pick<Deal, 'key'> {
  readonly member: number;
  readonly monday: number;
  readonly minutes: bigint;
}

/** Plans the time that members have spent on projects that are done, within the members' capacity. */
export function planPastWeeks(quotes: readonly Deal[]): readonly PastWeek[] {
  const taken = new Map<string, bigint>();
  const planWeeks = ({ key, lines, crew, orderDay }: Deal) => {
    const monday = mondayOf(orderDay) + 7;
    return crew.map((member, place) => {
      const asked = lines
        .filter((_, index) => index % crew.length === place)
        .reduce((sum, { sku, quantity }) => sum + quantity * offerOf(sku).product.deliveryEffortMinutes, 0n);
      const week = `${member} ${monday}`;
      const before = taken.get(week) ?? 0n;
      const free = (MEMBERS[member]?.weeklyCapacityMinutes ?? 0n) - before;
      const minutes = asked < free ? asked : free;
      taken.set(week, before + minutes);
      return { key, member, monday, minutes };
    });
  };
  return quotes
    .filter(({ fate }) => fate === 'done')
    .flatMap(planWeeks)
    .filter(({ minutes }) => minutes > 0n);
}
