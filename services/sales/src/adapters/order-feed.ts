import type { Transaction } from '@rondo/database';
import { InvalidResumeToken, type Sync, WatchAborted, WatchUnavailable } from '@rondo/sync';
import { ForeignResumeToken, WatcherTooSlow, WatchInterrupted } from '../domain/errors.js';
import type { Order } from '../domain/order.js';
import type { OrderFeed } from '../domain/ports.js';
import { customerIn, ORDERS_TOPIC, parseOrder } from './order-json.js';
import { ORDERS, type OrderRow, toOrder } from './order-rows.js';

/** So many orders of a hundred lines each still fit into a message of 4 MiB. */
const PART = 100;

const NEXT_PART = `
  ${ORDERS} WHERE orders.sequence > $1 AND ($2::text IS NULL OR orders.customer_id = $2)
  ORDER BY orders.sequence LIMIT ${PART}`;

/** The orders as they are and as they become, over all replicas. */
export function createOrderFeed(sync: Pick<Sync, 'watch'>): OrderFeed {
  return {
    async *watch({ customerId, resumeToken, signal }) {
      const filter = customerId === undefined ? undefined : filterOf(customerId);
      const snapshot = (transaction: Transaction) => readOrders(transaction, customerId);
      try {
        for await (const event of sync.watch({ topic: ORDERS_TOPIC, resumeToken, signal, filter, snapshot })) {
          if (event.kind === 'change') {
            yield { kind: 'changed', order: parseOrder(event.payload), resumeToken: event.resumeToken };
          } else {
            yield { kind: 'snapshot', orders: event.part, more: !event.last, resumeToken: event.resumeToken ?? '' };
          }
        }
      } catch (error) {
        throw toWatchError(error);
      }
    },
  };
}

function filterOf(customerId: string) {
  return { name: `customer ${customerId}`, accepts: (payload: unknown) => customerIn(payload) === customerId };
}

/** All orders, the oldest first, in parts; of none at all one that is empty. */
async function* readOrders(transaction: Transaction, customerId: string | undefined): AsyncGenerator<readonly Order[]> {
  for (let after = 0n; ; ) {
    const rows = await transaction.query<OrderRow>(NEXT_PART, [after, customerId ?? null]);
    const last = rows.at(-1);
    if (last !== undefined || after === 0n) yield rows.map(toOrder);
    if (last === undefined || rows.length < PART) return;
    after = last.sequence;
  }
}

function toWatchError(error: unknown): unknown {
  if (error instanceof InvalidResumeToken) return new ForeignResumeToken();
  if (error instanceof WatchAborted) return new WatcherTooSlow(error);
  return error instanceof WatchUnavailable ? new WatchInterrupted(error) : error;
}
