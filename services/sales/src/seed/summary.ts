/** The summary of the company's data. */
import { formatDay, mondayOf } from './calendar.js';
import type { Clients } from './clients.js';
import { DESCRIBED, type Fate } from './deals.js';
import type { Filled, Outcome } from './fill-in.js';

/** `rondo` finds the registry of the default folder itself. */
const call = `${process.env.RONDO_REGISTRY ? `RONDO_REGISTRY=${process.env.RONDO_REGISTRY} ` : ''}./rondo call`;

/** What was made, and commands to try; or why nothing was made. */
export async function describe({ foundedOn, company }: Filled, { projects }: Clients): Promise<string> {
  if (company === undefined)
    return (
      `The company is there since ${formatDay(foundedOn)}. After 30 days the services no longer know which requests they ` +
      'have carried out, so nothing was made. For a new one, start with an empty folder: npm start -- --data DIR'
    );
  const { members, products, buyers, today, outcomes } = company;
  const count = (fate: Fate) => outcomes.filter(({ deal }) => deal.fate === fate).length;
  const described = DESCRIBED.flatMap((key) => outcomes.find(({ deal }) => deal.key === key) ?? []);
  const describeDeal = async ({ deal, quote, order }: Outcome): Promise<string> => {
    const offer = `${quote?.name} for ${buyers[deal.customer]?.displayName}: ${moneyOf(quote)}, priced by calculator`;
    if (order === undefined) return offer;
    const { totalEffortMinutes: minutes } = await projects.estimateProject({ name: order.project });
    return `${offer}\n  accepted: ${order.name}, delivered by ${order.project}, ${minutes} minutes of work`;
  };
  const since = formatDay(mondayOf(foundedOn));
  return [
    `${members.length} members, ${products.size} products in 3 currencies, ${buyers.length} customers`,
    `${outcomes.filter(({ quote }) => quote).length} quotes of the year up to ${formatDay(today)}: ${count('open')} open, ` +
      `${count('withdrawn')} withdrawn, the others accepted`,
    `${outcomes.filter(({ order }) => order).length} orders, ${count('cancelled')} of them cancelled`,
    `projects that deliver them: ${count('planned')} planned, ${count('active')} active, ${count('done')} done, ` +
      `${count('archived')} archived`,
    '',
    ...(await Promise.all(described.map(describeDeal))),
    '',
    'Try:',
    `  ${call} projects.v1.ProjectService/EstimateProject '{"name": "${described[0]?.order?.project}"}'`,
    `  ${call} projects.v1.ProjectService/ListProjects '{"filter": "state = ACTIVE", "pageSize": 5}'`,
    `  ${call} projects.v1.TeamService/ListReservations '{"parent": "members/-", "filter": "week_start_date >= \\"${since}\\"", "pageSize": 5}'`,
    `  ${call} sales.v1.OrderService/ListOrders '{"filter": "state = CANCELLED", "pageSize": 5}'`,
  ].join('\n');
}

function moneyOf(quote: Outcome['quote']): string {
  if (quote?.total === undefined) return '';
  const { currencyCode, units, nanos } = quote.total;
  return `${currencyCode} ${units}.${String(nanos / 10_000_000).padStart(2, '0')}`;
}
