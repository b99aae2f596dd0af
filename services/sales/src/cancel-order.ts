import {
  type ArchiveProjectRequest,
  type CancelOrderRequest,
  type Order,
  OrderServiceDefinition,
  OrderState,
} from '@rondo/contracts/sales/v1/orders';
import type { Queries } from '@rondo/database';
import type { Jobs } from '@rondo/jobs';
import { readNamed } from '@rondo/resources';
import type { Channel } from '@rondo/rpc/client';
import { reading } from '@rondo/rpc/server';
import type { SalesMethods } from './context.js';
import { QuoteAccepting } from './domain/errors.js';
import { returnStock } from './domain/stock.js';
import { errors } from './errors.js';
import { changeOrder, orders } from './orders.js';
import { createArchive } from './projects.js';
import { readStocks, saveStock } from './stock.js';

interface CancelMethods extends SalesMethods {
  readonly jobs: Pick<Jobs, 'enqueue' | 'nudge'>;
}

const { archiveProject: archiveMethod } = OrderServiceDefinition.methods;

/** `CancelOrder`: it returns the stock. A job archives the project soon after. A cancelled order is returned as it is. */
export const cancelOrder = (methods: CancelMethods) =>
  reading(
    (request: CancelOrderRequest, field) => readNamed(orders, request, field),
    async (request) => {
      const { database, jobs } = methods;
      const order = await errors.withRpcErrors(database.transaction((tx) => cancel(jobs, tx, request)));
      methods.jobs.nudge();
      return order;
    },
  );

/** Cancels an order in a transaction. @throws NotFound, StaleEtag, QuoteAccepting */
export async function cancel(
  jobs: Pick<Jobs, 'enqueue'>,
  tx: Queries,
  { name, etag = '' }: { readonly name: string; readonly etag?: string },
): Promise<Order> {
  const order = await orders.lock(tx, name);
  if (order.state === OrderState.ORDER_STATE_CANCELLED) return order;
  orders.requireEtag(order, etag);
  if (order.quote !== '' && order.project === '') throw new QuoteAccepting(order.quote);
  const cancelled = await changeOrder(tx, order, { state: OrderState.ORDER_STATE_CANCELLED });
  const { project } = order;
  if (project !== '') await jobs.enqueue(tx, archiveMethod, { request: { project }, key: name });
  // This comes last, so that the locks on the products are held for a short time.
  const stocks = await readStocks(
    tx,
    order.lines.map(({ product }) => product),
    'lock',
  );
  await saveStock(tx, returnStock(stocks, order.lines), { reason: 'ORDER_CANCELLED', reference: name });
  return cancelled;
}

/** `ArchiveProject`. */
export function archiveProject(channel: Channel) {
  const archive = createArchive(channel);
  return async ({ project }: ArchiveProjectRequest) => {
    await errors.withRpcErrors(archive(project));
    return {};
  };
}
