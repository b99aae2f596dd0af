import { expect } from '@jest/globals';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import { ProjectState } from '@rondo/contracts/projects/v1/projects';
import { eventually } from '@rondo/harness';
import { countCompany, readCompany } from './company.js';

/** What `npm run seed` makes on every day. */
const COMPANY = {
  members: 12,
  customers: 60,
  products: { EUR: 14, GBP: 8, USD: 8 },
  quotes: { QUOTE_STATE_OPEN: 25, QUOTE_STATE_ACCEPTED: 112, withdrawn: 23 },
  orders: { ORDER_STATE_PLACED: 187, ORDER_STATE_CANCELLED: 15 },
  projects: {
    PROJECT_STATE_PLANNED: 100,
    PROJECT_STATE_ACTIVE: 13,
    PROJECT_STATE_DONE: 21,
    PROJECT_STATE_ARCHIVED: 68,
  },
};

const MS_A_DAY = 86_400_000;
const FRIDAY = 4;

/** A day as a number, in UTC: 0 is 1970-01-01. */
export function dayAt(time: Date | undefined): number {
  return Math.floor((time?.getTime() ?? Number.NaN) / MS_A_DAY);
}

/** Monday is 0; day 0 was a Thursday. */
const weekdayOf = (day: number) => (day + 3) % 7;
const mondayOf = (day: number) => day - weekdayOf(day);

const dayOf = (date: DateMessage | undefined) =>
  Date.UTC(date?.year ?? 0, (date?.month ?? 1) - 1, date?.day ?? 1) / MS_A_DAY;

/** Waits until the company has as many of each as it must: the projects of cancelled orders are archived a little later. */
export async function untilCounted(registry: string): Promise<void> {
  await eventually(async () => expect(countCompany(await readCompany(registry))).toMatchObject(COMPANY));
}

/**
 * Requires what holds on every day: the company has a year of orders that ends on the last working day up to `today`, with no
 * date on a weekend, and the team's time is reserved for active projects from the week on in which the company was made.
 */
export function requireYear(company: Awaited<ReturnType<typeof readCompany>>, today: number): void {
  const { members, quotes, orders, projects, reservations } = company;
  const days = [...quotes.map((quote) => quote.quoteDate), ...orders.map((order) => order.orderDate)].map(dayOf);
  expect(Math.max(...days)).toBe(Math.min(today, mondayOf(today) + FRIDAY));
  expect(Math.min(...days)).toBeGreaterThan(today - 370);
  expect(Math.min(...days)).toBeLessThan(today - 330);
  expect(days.filter((day) => weekdayOf(day) > FRIDAY)).toEqual([]);
  const reservedFor = (state: ProjectState) => {
    const names = new Set(projects.filter((project) => project.state === state).map(({ name }) => name));
    return reservations.filter(({ project }) => names.has(project)).map((one) => dayOf(one.weekStartDate));
  };
  const madeOn = Math.min(...members.map(({ createTime }) => dayAt(createTime)));
  expect(Math.min(...reservedFor(ProjectState.PROJECT_STATE_ACTIVE))).toBeGreaterThanOrEqual(mondayOf(madeOn));
  expect(Math.max(...reservedFor(ProjectState.PROJECT_STATE_DONE))).toBeLessThan(mondayOf(today));
  expect(reservedFor(ProjectState.PROJECT_STATE_ARCHIVED)).toEqual([]);
}
