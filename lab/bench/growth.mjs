import { createPool } from '@rondo/database';
import { eventually, startRegistry, startService } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { createRegistryChannel } from '@rondo/rpc/client';
import { atRate } from './report/at-rate.mjs';
import { figure, quantiles, show, table } from './report/figures.mjs';
import { salesOver } from './sales/reads.mjs';

/** What a later third of the time may have of what an earlier one had. */
const MAX_GROWTH = 1.5;
/** How many products and customers there are, so that writes seldom wait for each other's rows. */
const KINDS = 20;
const SECONDS = 60;
/** The column by which rows end, and how much older than they are makes them end two minutes after they are written. */
const ENDS = {
  sync_changes: ['relay_time', '58 minutes'],
  call_outcomes: ['expire_time', '-2 minutes'],
  topic_events: ['create_time', '6 days 23:58'],
  transaction_log: ['update_time', '6 days 23:58', "NEW.state IN ('committed', 'aborted')"],
  transaction_branches: ['update_time', '29 days 23:58'],
  sagas: ['update_time', '29 days 23:58', "NEW.state IN ('done', 'compensated')"],
};

/**
 * Whether Rondo's tables and the p99 of writes stay as they are while rows come and go: triggers write each row as one that ends
 * in two minutes. Most tables are pruned about every ten minutes, so they are full after a quarter of an hour.
 */
export const benchmark = {
  name: 'growth',
  summary: 'rows of tables and p99 of writes while rows come and go',
  options: {
    minutes: { type: 'count', default: 60, help: 'how long it writes; the last third is compared with the one before' },
    rate: { type: 'count', default: 50, help: 'how many writes a second' },
  },
  async run({ minutes, rate }, { onClose }) {
    const postgres = await startPostgres({ settings: { max_prepared_transactions: '64' } });
    onClose(() => postgres.stop());
    const { channel, databases } = await startServices(postgres, onClose);
    const writes = await writesOf(channel);
    for (const database of databases) await endSoon(database);
    const rows = [];
    for (let minute = 1; minute <= minutes; minute += 1) {
      const { p99, failed } = await writeForAMinute(writes, rate);
      const counts = await countRows(databases);
      rows.push({ p99, ...counts });
      show(`${minute} min: p99 ${figure(p99)} ms, ${failed} failed; ${JSON.stringify(counts)}`);
    }
    const third = Math.floor(rows.length / 3);
    const most = (part, key) => Math.max(...part.map((row) => row[key] ?? 0));
    const [before, after] = [rows.slice(-2 * third, -third), rows.slice(-third)];
    const compared = Object.keys(rows.at(-1)).map((key) => [key, most(before, key), most(after, key)]);
    show(
      table(
        ['most in a minute', 'middle third', 'last third'],
        compared.map(([key, ...of]) => [key, ...of.map(figure)]),
      ),
    );
    return compared.every(([, earlier, later]) => later <= Math.max(1_000, earlier * MAX_GROWTH));
  },
};

async function startServices(postgres, onClose) {
  const registry = await startRegistry();
  onClose(() => registry.stop());
  const urls = {
    sales: await postgres.createDatabase('sales'),
    'project-management': await postgres.createDatabase('pm'),
  };
  for (const name of ['calculator', 'sales', 'project-management']) {
    const env = urls[name] === undefined ? {} : { DATABASE_URL: urls[name] };
    const service = await startService(name, { registry: registry.address, env });
    onClose(() => service.stop());
  }
  const channel = createRegistryChannel({ registry: [registry.address] });
  onClose(() => channel.close());
  const databases = Object.values(urls).map((url) => createPool({ url, maxConnections: 1 }));
  for (const database of databases) onClose(() => database.close());
  return { channel, databases };
}

/** Writes of each kind, which are made in turn. */
async function writesOf(channel) {
  const { customers, orders, products, quotes } = salesOver(channel);
  const unitPrice = { currencyCode: 'EUR', units: 10n };
  const kinds = [];
  for (let number = 1; number <= KINDS; number += 1) {
    const person = { displayName: `Ada ${number}`, email: `ada${number}@example.com` };
    const { name: customer } = await eventually(() => customers.createCustomer({ customer: person }));
    const desk = { title: 'Desk', sku: `DESK-${number}`, unitPrice, stock: 1_000_000n, deliveryEffortMinutes: 1n };
    const { name: product } = await products.createProduct({ product: desk });
    kinds.push({ customer, product, lines: [{ product, quantity: 1n }] });
  }
  const { customer, lines } = kinds[0];
  const { name: quote } = await quotes.createQuote({ quote: { customer, lines } });
  await eventually(() => quotes.acceptQuote({ name: quote }));
  const requestId = () => crypto.randomUUID();
  return [
    ({ customer, lines }) => orders.placeOrder({ order: { customer, lines }, requestId: requestId() }),
    ({ product }) => products.adjustStock({ name: product, delta: 1n, requestId: requestId() }),
    ({ customer }) => customers.updateCustomer({ customer: { name: customer, displayName: requestId() } }),
    async ({ customer, lines }) => {
      const { name } = await quotes.createQuote({ quote: { customer, lines }, requestId: requestId() });
      await quotes.acceptQuote({ name });
    },
  ].map((write, at) => (made) => write(kinds[Math.floor(made / 4 + at) % KINDS]));
}

async function endSoon(database) {
  await database.transaction(async ({ query, script }) => {
    await script(`CREATE FUNCTION end_soon() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], clock_timestamp() - TG_ARGV[1]::interval));
    END $$`);
    const tables = await query('SELECT relname AS name FROM pg_stat_user_tables');
    for (const { name } of tables.filter(({ name }) => name in ENDS)) {
      const [column, older, when = 'true'] = ENDS[name];
      await script(`CREATE TRIGGER end_soon BEFORE INSERT OR UPDATE ON ${name} FOR EACH ROW WHEN (${when})
        EXECUTE FUNCTION end_soon('${column}', '${older}')`);
    }
  });
}

async function writeForAMinute(writes, rate) {
  const times = [];
  let failed = 0;
  const write = async (at) => {
    const beganAt = performance.now();
    await writes[at % writes.length](at).catch(() => {
      failed += 1;
    });
    times.push(performance.now() - beganAt);
  };
  const writing = [];
  await atRate(rate, SECONDS * rate, (made) => writing.push(write(made)));
  await Promise.all(writing);
  return { ...quantiles(times), failed };
}

/** The rows of Rondo's tables in all databases. */
async function countRows(databases) {
  const counts = {};
  for (const database of databases) {
    const names = await database.query('SELECT relname AS name FROM pg_stat_user_tables');
    for (const { name } of names.filter(({ name }) => name in ENDS || name === 'jobs' || name === 'sync_outbox')) {
      const { rows } = await database.one(`SELECT count(*)::int AS rows FROM ${name}`);
      counts[name] = (counts[name] ?? 0) + rows;
    }
  }
  return counts;
}
