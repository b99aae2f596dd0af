import { createPool, type Database } from '@rondo/database';
import { until } from '@rondo/harness';
import type { DatabaseServer } from '../testbed/database.js';
import type { Testbed } from '../testbed/testbed.js';
import type { OWNERS } from './services.js';
import { EFFORT_MINUTES, QUANTITY, type Sale, STOCK } from './shop.js';

/** What both databases have, read without the services. */
export type Books = ReturnType<typeof openBooks>;

/** Opens both databases until the testbed is closed. */
export function openBooks(testbed: Testbed, database: DatabaseServer) {
  const open = (owner: (typeof OWNERS)[number]): Database => {
    const pool = createPool({ url: database.urlOf(owner), maxConnections: 2 });
    testbed.onClose(() => pool.close());
    return pool;
  };
  const [sales, projects] = [open('sales'), open('project-management')];
  return {
    /** Whether a quote was sold, if both sides agree and no transaction has left anything; otherwise what is wrong. */
    async audit(sale: Sale) {
      const [sold, delivered, left] = await Promise.all([
        readSale(sales, sale),
        readDelivery(projects, sale),
        readLeft(sales),
      ]);
      return { sold: sold.orders > 0, wrong: faults({ ...sold, ...delivered, ...left }) };
    },
    /** Takes the stock away between sales' check and its decision; gives how `accept` ended. */
    async sellOut({ productId }: Sale, accept: () => Promise<string>): Promise<string> {
      const { accepting } = await sales.transaction(async (holder) => {
        await holder.query(SET_STOCK, [productId, 0n]);
        // In an object, as a promise would be awaited here, under the lock.
        const accepting = accept();
        await until(() => sales.maybeOne(WAITING), { what: 'the stock is waited for', timeoutMs: WAIT_MS });
        return { accepting };
      });
      return await accepting;
    },
    /** Puts the stock back. */
    restock: ({ productId }: Sale) => sales.query(SET_STOCK, [productId, STOCK]),
    /** Breaks the log: from now on it ignores a decision to commit, and reports that it has written it. */
    forgetDecisions: () => sales.transaction((transaction) => transaction.script(FORGET)),
  };
}

const SET_STOCK = 'UPDATE products SET stock = $2 WHERE id = $1';
const WAIT_MS = 5_000;
const WAITING = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;

const FORGET = `
  CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
  CREATE TRIGGER forget BEFORE UPDATE ON transaction_log
    FOR EACH ROW WHEN (OLD.state = 'preparing' AND NEW.state = 'committing') EXECUTE FUNCTION forget()`;

interface Sold {
  readonly orders: number;
  /** Orders that name the quote's project. */
  readonly confirmed: number;
  readonly stock: bigint;
}

function readSale(sales: Database, { quoteId, productId }: Sale): Promise<Sold> {
  return sales.one<Sold>(
    `SELECT count(orders)::int AS orders, count(project)::int AS confirmed,
       (SELECT stock FROM products WHERE id = $2) AS stock
     FROM orders WHERE quote_id = $1`,
    [quoteId, productId],
  );
}

interface Delivered {
  readonly projects: number;
  readonly tasks: number;
  readonly reserved: bigint;
  /** Weeks of which another part is reserved than their reservations say. */
  readonly uneven: number;
}

function readDelivery(projects: Database, { quoteId }: Sale): Promise<Delivered> {
  return projects.one<Delivered>(
    `SELECT (SELECT count(*)::int FROM projects WHERE id = $1) AS projects,
       (SELECT count(*)::int FROM tasks WHERE project_id = $1) AS tasks,
       (SELECT coalesce(sum(minutes), 0)::bigint FROM reservations WHERE project_id = $1) AS reserved,
       (SELECT count(*)::int FROM member_weeks AS week WHERE reserved_minutes <> (
          SELECT coalesce(sum(minutes), 0) FROM reservations
          WHERE member_id = week.member_id AND week_start_date = week.week_start_date)) AS uneven`,
    [quoteId],
  );
}

interface Left {
  readonly unfinished: number;
  readonly prepared: number;
  readonly locks: number;
}

/** Counts prepared transactions and their locks in all databases of the server. */
function readLeft(sales: Database): Promise<Left> {
  return sales.one<Left>(
    `SELECT (SELECT count(*)::int FROM transaction_log WHERE state NOT IN ('committed', 'aborted')) AS unfinished,
       (SELECT count(*)::int FROM pg_prepared_xacts) AS prepared,
       (SELECT count(*)::int FROM pg_locks WHERE pid IS NULL) AS locks`,
  );
}

function faults(found: Sold & Delivered & Left): readonly string[] {
  const { orders, confirmed, stock, projects, tasks, reserved, uneven, unfinished, prepared, locks } = found;
  const times = BigInt(orders);
  const rules: readonly (readonly [boolean, string])[] = [
    [orders <= 1, `${orders} orders`],
    [projects === orders, `${orders} orders and ${projects} projects`],
    [confirmed === orders, `${orders - confirmed} orders without their project's name`],
    [tasks === orders, `${orders} orders and ${tasks} tasks`],
    [stock === STOCK - times * QUANTITY, `a stock of ${stock} with ${orders} orders`],
    [reserved === times * EFFORT_MINUTES, `${reserved} minutes reserved with ${orders} orders`],
    [uneven === 0, `${uneven} weeks that don't add up`],
    [unfinished === 0, `${unfinished} transactions unfinished`],
    [prepared === 0, `${prepared} prepared`],
    [locks === 0, `${locks} locks without a process`],
  ];
  return rules.flatMap(([holds, fault]) => (holds ? [] : [fault]));
}
