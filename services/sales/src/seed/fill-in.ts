/** Makes the company's data, from its team to its projects. */
import type { Member } from '@rondo/contracts/projects/v1/team';
import type { Order } from '@rondo/contracts/sales/v1/orders';
import type { Quote } from '@rondo/contracts/sales/v1/quotes';
import { dayOf } from './calendar.js';
import { type Clients, failedWith, forEach, requestId, unless } from './clients.js';
import { CUSTOMERS, MEMBERS, OFFERS } from './company.js';
import { type Deal, planOrders, planPastWeeks, planQuotes } from './deals.js';
import { deliver, reserve } from './projects.js';
import { acceptQuote, makeOrder, makeQuote, type Stock, withdrawQuote } from './sales.js';

/** The services forget request ids after 30 days: from then on, another run would make everything twice. */
const REPEATABLE_DAYS = 29;

/** What became of a deal. */
export interface Outcome {
  readonly deal: Deal;
  readonly quote?: Quote;
  readonly order?: Order;
}

/** The company's data. */
interface Company extends Stock {
  readonly members: readonly Member[];
  /** The last day of the year. */
  readonly today: number;
  readonly outcomes: readonly Outcome[];
}

/** The company: when it was founded, and its data, unless it is too old to be filled in. */
export interface Filled {
  readonly foundedOn: number;
  readonly company: Company | undefined;
}

/** Makes the data that is missing. The year ends on `lastDay`, or on the day on which the first member was made. */
export async function fillIn(clients: Clients, lastDay: number | undefined): Promise<Filled> {
  const { customers, products: catalogue } = clients;
  const [first, ...others] = MEMBERS;
  if (first === undefined) throw new RangeError('the company has no member');
  const founder = await makeMember(clients, first);
  const foundedOn = dayOf(founder.createTime ?? new Date());
  if (dayOf(new Date()) - foundedOn > REPEATABLE_DAYS) return { foundedOn, company: undefined };
  const members = [founder, ...(await forEach(others, (planned) => makeMember(clients, planned)))];
  const [products, buyers] = await Promise.all([
    forEach(OFFERS, ({ product }) =>
      makeOrFind(
        catalogue.createProduct({ product, requestId: requestId(product.sku) }),
        async () => (await catalogue.listProducts({ filter: `sku = "${product.sku}"` })).products,
      ),
    ),
    forEach(CUSTOMERS, ({ customer }) =>
      makeOrFind(
        customers.createCustomer({ customer, requestId: requestId(customer.email) }),
        async () => (await customers.listCustomers({ filter: `email = "${customer.email}"` })).customers,
      ),
    ),
  ]);
  const today = lastDay ?? foundedOn;
  const stock = { products: new Map(products.map((product) => [product.sku, product])), buyers, members, today };
  return { foundedOn, company: { ...stock, outcomes: await carryOut(clients, stock) } };
}

/** Makes a member without capacity, which {@link setCapacities} sets. */
function makeMember({ team }: Clients, planned: (typeof MEMBERS)[number]): Promise<Member> {
  const member = { ...planned, weeklyCapacityMinutes: 0n };
  const filter = `email = "${member.email}"`;
  return makeOrFind(
    team.createMember({ member, requestId: requestId(member.email) }),
    async () => (await team.listMembers({ filter, showDeleted: true })).members,
  );
}

/** The resource that is made, or the one that has its unique field. */
async function makeOrFind<Resource>(
  making: Promise<Resource>,
  find: () => Promise<readonly Resource[]>,
): Promise<Resource> {
  try {
    return await making;
  } catch (error) {
    const [found] = failedWith(error, 'ALREADY_EXISTS') ? await find() : [];
    if (found === undefined) throw error;
    return found;
  }
}

/** Sets the capacity of members, unless a member has been changed since it was made. */
async function setCapacities({ team }: Clients, members: readonly Member[]): Promise<void> {
  await forEach(members, async ({ name, etag, weeklyCapacityMinutes: present }, index) => {
    const member = { name, etag, weeklyCapacityMinutes: MEMBERS[index]?.weeklyCapacityMinutes ?? 0n };
    if (present === 0n) await unless(team.updateMember({ member, updateMask: ['weekly_capacity_minutes'] }), 'ABORTED');
  });
}

/** Makes the deals, and brings them to their fates. */
async function carryOut(clients: Clients, company: Omit<Company, 'outcomes'>): Promise<readonly Outcome[]> {
  const { members, today } = company;
  const quotes = planQuotes(today);
  const deals = [...quotes, ...planOrders(today)].sort((one, other) => one.day - other.day);
  const isPresent = ({ fate }: Deal) => fate === 'active' || fate === 'planned';
  const make = (deal: Deal) => sell(clients, deal, company);
  // Deals that are over come first, while the team has no capacity: so nothing is reserved for them.
  const over = await forEach(
    deals.filter((deal) => !isPresent(deal)),
    make,
  );
  await setCapacities(clients, members);
  const outcomes = [...over, ...(await forEach(deals.filter(isPresent), make))];
  const projects = new Map(outcomes.map(({ deal, order }) => [deal.key, order?.project ?? '']));
  await forEach(planPastWeeks(quotes), (week) =>
    reserve(clients, week, { project: projects.get(week.key) ?? '', members }),
  );
  return outcomes;
}

async function sell(clients: Clients, deal: Deal, company: Omit<Company, 'outcomes'>): Promise<Outcome> {
  const { fate, orderDay } = deal;
  if (deal.crew.length === 0) return { deal, order: await makeOrder(clients, deal, company) };
  const quote = await makeQuote(clients, deal, company);
  if (fate === 'withdrawn') await withdrawQuote(clients, quote);
  if (fate === 'open' || fate === 'withdrawn') return { deal, quote };
  const order = await acceptQuote(clients, quote, orderDay);
  if (fate === 'cancelled') await clients.orders.cancelOrder({ name: order.name });
  else await deliver(clients, deal, { ...company, project: order.project });
  return { deal, quote, order };
}
