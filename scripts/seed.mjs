/**
 * A small, believable company, over the services' own contracts: `npm run seed`. Each thing is made under a request id of
 * its own, so that running it again makes nothing twice.
 */
import { createHash } from 'node:crypto';
import { build } from './build.mjs';

const MEMBERS = [
  { displayName: 'Ines Okafor', email: 'ines@rondo.example', weeklyCapacityMinutes: 2400n },
  { displayName: 'Tomas Lind', email: 'tomas@rondo.example', weeklyCapacityMinutes: 2400n },
  { displayName: 'Mei Castellanos', email: 'mei@rondo.example', weeklyCapacityMinutes: 1440n },
];
const PRODUCTS = [
  { sku: 'SITE-SURVEY', title: 'Site survey', price: [480n, 0], stock: 40n, deliveryEffortMinutes: 480n },
  { sku: 'SENSOR-KIT', title: 'Sensor kit', price: [129n, 990_000_000], stock: 500n, deliveryEffortMinutes: 15n },
  { sku: 'GATEWAY', title: 'Gateway', price: [349n, 500_000_000], stock: 60n, deliveryEffortMinutes: 90n },
  { sku: 'TRAINING-DAY', title: 'Training day', price: [950n, 0], stock: 30n, deliveryEffortMinutes: 600n },
];
const CUSTOMERS = [
  { displayName: 'Harbour Cold Storage', email: 'purchasing@harbour.example' },
  { displayName: 'Alder Valley Farms', email: 'office@alder.example' },
  { displayName: 'Northline Rail', email: 'procurement@northline.example' },
];
/** By customer: what they were offered, and whether they took it. */
const QUOTES = [
  {
    customer: 0,
    lines: [
      ['SITE-SURVEY', 1n],
      ['SENSOR-KIT', 24n, '5'],
      ['GATEWAY', 2n],
    ],
    taxPercent: '20',
    accept: true,
  },
  {
    customer: 1,
    lines: [
      ['SENSOR-KIT', 60n, '12.5'],
      ['GATEWAY', 4n],
    ],
    discountPercent: '3',
    taxPercent: '20',
    accept: true,
  },
  {
    customer: 2,
    lines: [
      ['TRAINING-DAY', 2n],
      ['SITE-SURVEY', 3n],
    ],
    taxPercent: '20',
    accept: false,
  },
];

/** `npm run seed` */
export async function main() {
  if (!(await build())) return 1;
  const { createClient, defaultChannel } = await import('../packages/rpc/dist/client/index.js');
  const channel = defaultChannel();
  const client = async (file, name) =>
    createClient((await import(`../packages/contracts/dist/${file}.js`))[`${name}Definition`], { channel });
  try {
    await seed({
      team: await client('projects/v1/team', 'TeamService'),
      projects: await client('projects/v1/projects', 'ProjectService'),
      products: await client('sales/v1/products', 'ProductService'),
      customers: await client('sales/v1/customers', 'CustomerService'),
      quotes: await client('sales/v1/quotes', 'QuoteService'),
    });
    return 0;
  } catch (error) {
    console.error(`npm run seed: ${error}`);
    return 1;
  } finally {
    channel.close();
  }
}

async function seed({ team, projects, products, customers, quotes }) {
  for (const member of MEMBERS) await team.createMember({ member, requestId: requestId(member.email) });
  const bySku = new Map();
  for (const { sku, title, price, stock, deliveryEffortMinutes } of PRODUCTS) {
    const unitPrice = { currencyCode: 'EUR', units: price[0], nanos: price[1] };
    const product = { sku, title, unitPrice, stock, deliveryEffortMinutes };
    bySku.set(sku, await products.createProduct({ product, requestId: requestId(sku) }));
  }
  const buyers = [];
  for (const customer of CUSTOMERS) {
    buyers.push(await customers.createCustomer({ customer, requestId: requestId(customer.email) }));
  }
  console.log(`${MEMBERS.length} members, ${PRODUCTS.length} products, ${CUSTOMERS.length} customers`);
  for (const [index, offer] of QUOTES.entries()) {
    const customer = buyers[offer.customer];
    const quote = await quotes.createQuote({
      quote: {
        customer: customer.name,
        lines: offer.lines.map(([sku, quantity, discount]) => toLine(bySku.get(sku), quantity, discount)),
        discountPercent: toDecimal(offer.discountPercent),
        taxPercent: toDecimal(offer.taxPercent),
      },
      requestId: requestId(`quote ${index}`),
    });
    const accepted = offer.accept ? await quotes.acceptQuote({ name: quote.name }) : undefined;
    console.log(`${quote.name} for ${customer.displayName}: ${formatMoney(quote.total)}, priced by calculator`);
    if (accepted !== undefined) await report(accepted.order, projects);
  }
}

async function report({ name, project }, projects) {
  const { totalEffortMinutes } = await projects.estimateProject({ name: project });
  console.log(`  accepted: ${name}, delivered by ${project}, ${totalEffortMinutes} minutes of work`);
}

const toLine = (product, quantity, discount) => ({
  product: product.name,
  quantity,
  discountPercent: toDecimal(discount),
});

const toDecimal = (value) => (value === undefined ? undefined : { value });

const formatMoney = ({ currencyCode, units, nanos }) =>
  `${currencyCode} ${units}.${String(nanos / 10_000_000).padStart(2, '0')}`;

/** A UUID that follows from a name (RFC 9562, version 8). */
function requestId(name) {
  const hash = createHash('sha256').update(`rondo seed ${name}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
