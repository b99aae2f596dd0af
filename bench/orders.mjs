/**
 * How much of the database's speed `PlaceOrder` keeps: orders by the whole system (a caller, sales, the calculator over
 * discovery, PostgreSQL on its disk), and the same statements by pgbench on the same database, in turn: with as many
 * clients, prepared, each statement a transaction of its own as in the service. What pgbench puts into the outbox is
 * relayed by sales as well, so both pay for that. Neither is counted before it runs as it will: first so many orders
 * are placed that the services' code is compiled, and pgbench has filled the same tables. Then a rush: 500
 * buyers at once for 100 units of one product, over one replica of sales and over three. Fails where anything but
 * exactly 100 are sold. It ends by itself and takes along what it started.
 *
 * `npm run bench:orders -- --help` tells what it can be told.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { placeOrders, rush } from './orders/load.mjs';
import { findPgbench, runPgbench, writeScript } from './orders/pgbench.mjs';
import { stockUp } from './orders/stock.mjs';
import { startDatabase, startSystem } from './orders/system.mjs';
import { cpuMs } from './process/cpu.mjs';
import { quantiles } from './report/quantiles.mjs';
import { figure, table } from './report/table.mjs';

const USAGE = `npm run bench:orders -- [options]
  --rounds N        how often each of the two has its turn: 5
  --seconds N       how long a turn takes: 5
  --clients N       how many orders are under way at once: 16
  --profile FOLDER  where the services' CPU profiles go`;
const BUYERS = 500;
const UNITS = 100;
const WARM_UP_SECONDS = 3;
/** After so many the time of an order falls no more; on a slow machine the seconds end it. */
const WARM_UP_ORDERS = 8_000;
const MAX_WARM_UP_SECONDS = 60;

const options = understand();
const pgbench = findPgbench();
if (pgbench === undefined) {
  console.error(
    'There is no pgbench, so nothing to compare with. Debian and Ubuntu have it in the package postgresql-contrib or postgresql; macOS in that of Homebrew: brew install postgresql.',
  );
  process.exit(1);
}
const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
const started = [];
try {
  const database = await startDatabase(folder);
  started.push(database);
  const nodeArguments = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : [];
  const system = await startSystem({ folder, databaseUrl: database.url, nodeArguments });
  started.push(system);
  const client = await system.replicas(1);
  await stockUp(database.database);
  await compare(client.orders, { database, system });
  let sold = await sell(client.orders, database.database, 1);
  client.close();
  const three = await system.replicas(3);
  sold = (await sell(three.orders, database.database, 3)) && sold;
  three.close();
  if (!sold) process.exitCode = 1;
} finally {
  for (const { stop } of started.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(orders, { database, system }) {
  const { url } = database;
  const script = path.join(folder, 'place-order.sql');
  writeScript(script);
  const { clients, seconds, rounds } = options;
  await warmUp(orders, clients);
  await runPgbench({ pgbench, url, script, clients, seconds: WARM_UP_SECONDS });
  const rows = [];
  const cpu = [];
  for (let round = 1; round <= rounds; round += 1) {
    const before = spent({ database, system });
    const bench = await runPgbench({ pgbench, url, script, clients, seconds });
    const between = spent({ database, system });
    const { rate, tookMs } = await placeOrders(orders, { clients, seconds });
    const after = spent({ database, system });
    const costs = Object.keys(after).map((who) => [who, (after[who] - between[who]) / tookMs.length]);
    const ofBench = (between.database - before.database) / (bench * seconds);
    cpu.push({ "pgbench's in the database": ofBench, ...Object.fromEntries(costs) });
    const { p50, p99 } = quantiles(tookMs);
    rows.push({ round, bench, rate, ratio: rate / bench, p50, p99 });
  }
  console.log(
    `${clients} at a time, ${rounds} rounds of ${seconds} s; ${availableParallelism()} cores, Node ${process.version}`,
  );
  const head = ['round', 'pgbench /s', 'PlaceOrder /s', 'ratio', 'median ms', 'p99 ms'];
  console.log(
    table(
      head,
      rows.map((row) => [row.round, ...[row.bench, row.rate, row.ratio, row.p50, row.p99].map(figure)]),
    ),
  );
  const costs = Object.keys(cpu[0] ?? {}).map((who) => `${who} ${figure(median(cpu.map((one) => one[who])))}`);
  console.log(`processor time of an order, ms, medians: ${costs.join(', ')}`);
  const ratios = rows.map(({ ratio }) => ratio).sort((a, b) => a - b);
  console.log(`ratio: median ${figure(median(ratios))}, from ${figure(ratios[0])} to ${figure(ratios.at(-1))}\n`);
}

async function warmUp(orders, clients) {
  const endAt = performance.now() + MAX_WARM_UP_SECONDS * 1000;
  for (let placed = 0; placed < WARM_UP_ORDERS && performance.now() < endAt; ) {
    placed += (await placeOrders(orders, { clients, seconds: 1 })).tookMs.length;
  }
}

/** Linux alone tells. */
function spent({ database, system }) {
  if (!existsSync('/proc/self/schedstat')) return {};
  return {
    database: database.cpuMs(),
    sales: system.cpuMs('sales'),
    calculator: system.cpuMs('calculator'),
    callers: cpuMs(process.pid),
  };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function sell(orders, database, replicas) {
  const product = `rush-${replicas}`;
  await database.query(
    `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
     VALUES ($1, 'Desk', $1, 'EUR', 1999, $2, 60)`,
    [product, UNITS],
  );
  const { counts, tookMs } = await rush(orders, { buyers: BUYERS, product });
  const { stock } = await database.one('SELECT stock FROM products WHERE id = $1', [product]);
  const { deadlocks } = await database.one('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  console.log(
    `${BUYERS} buyers of ${UNITS} units, replicas of sales: ${replicas}: ${JSON.stringify(counts)}, stock ${stock}, deadlocks ${deadlocks}, ${figure(tookMs)} ms`,
  );
  return counts.OK === UNITS && counts.FAILED_PRECONDITION === BUYERS - UNITS && stock === 0n && deadlocks === 0n;
}

function understand() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      clients: { type: 'string', default: '16' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const numbers = ['rounds', 'seconds', 'clients'].map((name) => [name, Number(values[name])]);
  for (const [name, value] of numbers) {
    if (!Number.isInteger(value) || value < 1) {
      console.error(`--${name} must be a whole number of at least 1; it is "${values[name]}"\n\n${USAGE}`);
      process.exit(2);
    }
  }
  return { ...Object.fromEntries(numbers), profile: values.profile };
}
