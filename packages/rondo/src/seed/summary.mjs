/** The summary of the company's data. */
import { formatDay, mondayOf } from './calendar.mjs';

const CALL = './rondo call';
/** The registry that the user names. `rondo` finds the one of the default folder itself. */
const registry = process.env.RONDO_REGISTRY;

/** What was made, and commands to try. */
export function describe({ counts, sales, told, today, foundedOn }) {
  const fates = countFates(sales);
  const quotes = sales.filter(({ quote }) => quote !== undefined).length;
  const orders = sales.filter(({ order }) => order !== undefined).length;
  const { active = 0, planned = 0, done = 0, archived = 0, cancelled = 0, open = 0, withdrawn = 0 } = fates;
  return [
    `${counts.members} members, ${counts.products} products in 3 currencies, ${counts.customers} customers`,
    `${quotes} quotes of the year up to ${formatDay(today)}: ${open} open, ${withdrawn} withdrawn, the others accepted`,
    `${orders} orders, ${cancelled} of them cancelled`,
    `projects that deliver them: ${planned} planned, ${active} active, ${done} done, ${archived} archived`,
    '',
    ...told.flatMap(describeDeal),
    '',
    ...suggest(told, foundedOn),
  ].join('\n');
}

/** Why nothing was made. */
export function describeOld({ foundedOn }) {
  return (
    `The company is there since ${formatDay(foundedOn)}. After 30 days the services no longer know which requests they ` +
    'have carried out, so nothing was made. For a new one, start with an empty folder: npm start -- --data DIR'
  );
}

function describeDeal({ quote, order, buyer, totalEffortMinutes }) {
  const offer = `${quote.name} for ${buyer.displayName}: ${formatMoney(quote.total)}, priced by calculator`;
  if (order === undefined) return [offer];
  return [offer, `  accepted: ${order.name}, delivered by ${order.project}, ${totalEffortMinutes} minutes of work`];
}

function suggest([{ order }], foundedOn) {
  const call = registry ? `RONDO_REGISTRY=${registry} ${CALL}` : CALL;
  const since = formatDay(mondayOf(foundedOn));
  return [
    'Try:',
    `  ${call} projects.v1.ProjectService/EstimateProject '{"name": "${order.project}"}'`,
    `  ${call} projects.v1.ProjectService/ListProjects '{"filter": "state = ACTIVE", "pageSize": 5}'`,
    `  ${call} projects.v1.TeamService/ListReservations '{"parent": "members/-", "filter": "week_start_date >= \\"${since}\\"", "pageSize": 5}'`,
    `  ${call} sales.v1.OrderService/ListOrders '{"filter": "state = CANCELLED", "pageSize": 5}'`,
  ];
}

function countFates(outcomes) {
  const counts = {};
  for (const { fate } of outcomes) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

const formatMoney = ({ currencyCode, units, nanos }) =>
  `${currencyCode} ${units}.${String(nanos / 10_000_000).padStart(2, '0')}`;
