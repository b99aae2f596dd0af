/** Makes the company's data, from its team to its projects. */

import { mapConcurrently } from '../workspace/concurrency.js';
import { dayOf } from './calendar.mjs';
import { planOrders, planPastWeeks, planQuotes } from './deals.mjs';
import { moveOn, reserve } from './delivery.mjs';
import { makeCustomers, makeProducts, makeTeam, planCapacity } from './people-and-products.mjs';
import { acceptQuote, makeOrder, makeQuote, withdrawQuote } from './sales.mjs';

/** The services forget request ids after 30 days: from then on, another run would make everything twice. */
const REPEATABLE_DAYS = 29;
/** The fates of projects that have reservations. */
const PRESENT = new Set(['active', 'planned']);

/** Makes the data that is missing, and returns a summary. The year ends on `lastDay`, or on the day of the first member. */
export async function fillIn(clients, lastDay) {
  const { members, foundedOn } = await makeTeam(clients);
  if (dayOf(new Date()) - foundedOn > REPEATABLE_DAYS) return { isOld: true, foundedOn };
  const today = lastDay ?? foundedOn;
  const [bySku, buyers] = await Promise.all([makeProducts(clients), makeCustomers(clients)]);
  const deals = planQuotes(today);
  const company = { bySku, buyers, members, today };
  const sales = [
    ...deals.map((deal) => ({ deal, carryOut: sell })),
    ...planOrders(today).map((deal) => ({ deal, carryOut: sellAtOnce })),
  ].sort((a, b) => a.deal.day - b.deal.day);
  const outcomes = new Map();
  const make = ({ deal, carryOut }) =>
    carryOut(clients, deal, company).then((outcome) => outcomes.set(deal.key, outcome));
  // Deals that are over come first, while the team has no capacity: so nothing is reserved for them.
  await mapConcurrently(sales.filter(isOver), make);
  await planCapacity(clients, members);
  await mapConcurrently(
    sales.filter((sale) => !isOver(sale)),
    make,
  );
  await mapConcurrently(planPastWeeks(deals), (week) =>
    reserve(clients, week, { project: outcomes.get(week.key).order.project, members }),
  );
  const told = deals.slice(0, 3).map(({ key, customer }) => ({ ...outcomes.get(key), buyer: buyers[customer] }));
  return {
    isOld: false,
    today,
    foundedOn,
    counts: { members: members.length, products: bySku.size, customers: buyers.length },
    sales: [...outcomes.values()],
    told: await mapConcurrently(told, (outcome) => withEffort(clients, outcome)),
  };
}

function isOver({ deal }) {
  return !PRESENT.has(deal.fate);
}

/** Makes a quote, and brings it to its fate. */
async function sell(clients, deal, company) {
  const quote = await makeQuote(clients, deal, company);
  if (deal.fate === 'open') return { fate: deal.fate, quote };
  if (deal.fate === 'withdrawn') {
    await withdrawQuote(clients, quote);
    return { fate: deal.fate, quote };
  }
  const order = await acceptQuote(clients, quote, deal);
  if (deal.fate === 'cancelled') {
    await clients.orders.cancelOrder({ name: order.name });
  } else {
    const { members, today } = company;
    await moveOn(clients, deal, { project: order.project, members, today });
  }
  return { fate: deal.fate, quote, order };
}

async function sellAtOnce(clients, deal, company) {
  return { fate: deal.fate, order: await makeOrder(clients, deal, company) };
}

async function withEffort({ projects }, outcome) {
  if (outcome.order === undefined) return outcome;
  const { totalEffortMinutes } = await projects.estimateProject({ name: outcome.order.project });
  return { ...outcome, totalEffortMinutes };
}
