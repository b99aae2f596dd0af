import { existsSync } from 'node:fs';
import path from 'node:path';
import { cpuMs } from '@rondo/harness';
import { placeOrders, rush } from './orders/load.mjs';
import { findPgbench, runPgbench, writeScript } from './orders/pgbench.mjs';
import { startSystem } from './orders/system.mjs';
import { figure, median, quantiles, show, table } from './report/figures.mjs';

const BUYERS = 500;
const UNITS = 100;
const WARM_UP_SECONDS = 3;
/** Orders of the warm-up. By then the services' code is compiled, and more orders make none faster. A slow machine stops earlier, after {@link MAX_WARM_UP_SECONDS}. */
const WARM_UP_ORDERS = 8_000;
const MAX_WARM_UP_SECONDS = 60;

/**
 * How much of the database's speed `PlaceOrder` keeps: the whole system (a caller, sales, the calculator over discovery,
 * PostgreSQL on its disk) and pgbench take turns on one database, with as many clients and the same statements, prepared,
 * each a transaction of its own as in the service. sales relays what pgbench puts into the outbox, so both pay for that.
 * Then 500 buyers at once want 100 units of one product, over one replica of sales and over three: exactly 100 are sold.
 */
export const benchmark = {
  name: 'orders',
  summary: 'orders a second beside pgbench with the same statements; 500 buyers at once of 100 units',
  needs: 'pgbench',
  options: {
    rounds: { type: 'count', default: 5, help: 'how often each of the two has its turn' },
    seconds: { type: 'count', default: 5, help: 'how long a turn takes' },
    clients: { type: 'count', default: 16, help: 'how many orders are under way at once' },
    profile: { type: 'text', value: 'FOLDER', help: "where the services' CPU profiles go" },
  },
  async run({ profile, ...load }, { folder, onClose }) {
    const pgbench = findPgbench();
    if (pgbench === undefined) {
      show(
        'There is no pgbench to compare with. Debian and Ubuntu have it in postgresql-contrib or postgresql, Homebrew in postgresql.',
      );
      return false;
    }
    const nodeArguments = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
    const system = await startSystem({ folder, onClose, nodeArguments });
    const one = await system.replicas(1);
    await system.stockUp();
    await compare(one.orders, { system, pgbench, load, script: path.join(folder, 'place-order.sql') });
    const sold = await sell(one.orders, system.database, 1);
    one.close();
    const three = await system.replicas(3);
    const soldByThree = await sell(three.orders, system.database, 3);
    three.close();
    return sold && soldByThree;
  },
};

async function compare(orders, { system, pgbench, load, script }) {
  const { clients, seconds, rounds } = load;
  const bench = { pgbench, url: system.url, script, clients };
  writeScript(script);
  await warmUp(orders, clients);
  await runPgbench({ ...bench, seconds: WARM_UP_SECONDS });
  const rows = [];
  const costs = [];
  for (let round = 1; round <= rounds; round += 1) {
    const before = spent(system);
    const benchRate = await runPgbench({ ...bench, seconds });
    const between = spent(system);
    const { rate, tookMs } = await placeOrders(orders, { clients, seconds });
    costs.push({
      "pgbench's in the database": (between.database - before.database) / (benchRate * seconds),
      ...costOf(between, spent(system), tookMs.length),
    });
    const { p50, p99 } = quantiles(tookMs);
    rows.push({ round, benchRate, rate, ratio: rate / benchRate, p50, p99 });
  }
  report(rows, costs, load);
}

function report(rows, costs, { clients, seconds, rounds }) {
  show(`${clients} at a time, ${rounds} rounds of ${seconds} s`);
  const head = ['round', 'pgbench /s', 'PlaceOrder /s', 'ratio', 'median ms', 'p99 ms'];
  const figures = ({ benchRate, rate, ratio, p50, p99 }) => [benchRate, rate, ratio, p50, p99].map(figure);
  show(
    table(
      head,
      rows.map((row) => [row.round, ...figures(row)]),
    ),
  );
  const medians = Object.keys(costs[0]).map((what) => `${what} ${figure(median(costs.map((one) => one[what])))}`);
  show(`processor time of an order, ms, medians: ${medians.join(', ')}`);
  const ratios = rows.map(({ ratio }) => ratio);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  show(`ratio: median ${figure(median(ratios))}, from ${figure(least)} to ${figure(most)}\n`);
}

async function warmUp(orders, clients) {
  const endAt = performance.now() + MAX_WARM_UP_SECONDS * 1000;
  for (let placed = 0; placed < WARM_UP_ORDERS && performance.now() < endAt; ) {
    placed += (await placeOrders(orders, { clients, seconds: 1 })).tookMs.length;
  }
}

/** The processor time so far, by what has used it. Milliseconds; nothing if there is no /proc. */
function spent(system) {
  if (!existsSync('/proc/self/schedstat')) return {};
  return { ...system.usedMs(), callers: cpuMs(process.pid) };
}

function costOf(before, after, orders) {
  return Object.fromEntries(Object.entries(after).map(([what, ms]) => [what, (ms - before[what]) / orders]));
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
  show(
    `${BUYERS} buyers of ${UNITS} units, replicas of sales: ${replicas}: ${JSON.stringify(counts)}, stock ${stock}, deadlocks ${deadlocks}, ${figure(tookMs)} ms`,
  );
  return counts.OK === UNITS && counts.FAILED_PRECONDITION === BUYERS - UNITS && stock === 0n && deadlocks === 0n;
}
