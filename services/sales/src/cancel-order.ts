import { type CancelOrderRequest, type Order, OrderState } from '@rondo/contracts/sales/v1/orders';
import { readNamed } from '@rondo/resources';
import { reading } from '@rondo/rpc/server';
import type { SalesMethods } from './context.js';
import type { Delivery } from './delivery.js';
import { QuoteAccepting } from './domain/errors.js';
import { returnStock } from './domain/stock.js';
import { errors } from './errors.js';
import { changeOrder, orders } from './orders.js';
import { readStocks, saveStock } from './stock.js';

/** `CancelOrder`: it returns the stock. The project is archived soon after. A cancelled order is returned as it is. */
export const cancelOrder = (methods: SalesMethods, delivery: Pick<Delivery, 'withdraw' | 'nudge'>) =>
  reading(
    (request: CancelOrderRequest, field) => readNamed(orders, request, field),
    async (request) => {
      const order = await errors.withRpcErrors(cancel(methods, delivery, request));
      delivery.nudge();
      return order;
    },
  );

/** @throws NotFound, StaleEtag, QuoteAccepting */
const cancel = (
  { database }: SalesMethods,
  { withdraw }: Pick<Delivery, 'withdraw'>,
  { name, etag }: { readonly name: string; readonly etag: string },
): Promise<Order> =>
  database.transaction(async (tx) => {
    const order = await orders.lock(tx, name);
    if (order.state === OrderState.ORDER_STATE_CANCELLED) return order;
    orders.requireEtag(order, etag);
    if (order.quote !== '' && order.project === '') throw new QuoteAccepting(order.quote);
    const cancelled = await changeOrder(tx, order, { state: OrderState.ORDER_STATE_CANCELLED });
    if (order.project !== '') await withdraw(tx, order);
    // This comes last, so that the locks on the products are held for a short time.
    const stocks = await readStocks(
      tx,
      order.lines.map(({ product }) => product),
      'lock',
    );
    await saveStock(tx, returnStock(stocks, order.lines), { reason: 'ORDER_CANCELLED', reference: name });
    return cancelled;
  });
