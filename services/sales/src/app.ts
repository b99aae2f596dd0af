import { OrderPlaced, OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createJobs, type Jobs } from '@rondo/jobs';
import { auditBy, createAudit, openDatabase, rulesPart } from '@rondo/resources';
import { implement } from '@rondo/rpc/server';
import type { App, ServiceContext } from '@rondo/service';
import { createTopics } from '@rondo/topics';
import { acceptQuote } from './accept-quote.js';
import { salesRules } from './access.js';
import { awaitPayment, recordPayment } from './await-payment.js';
import { createCalculator } from './calculator.js';
import { archiveProject, cancel, cancelOrder } from './cancel-order.js';
import type { SalesConfig } from './config.js';
import { customerService, customers } from './customers.js';
import { createDelivery } from './delivery.js';
import { errors, toRpcError } from './errors.js';
import { orderMethods, orders } from './orders.js';
import { placeOrder } from './place-order.js';
import { productMethods, products } from './products.js';
import { quoteMethods, quotes } from './quotes.js';
import { remindOwner } from './remind-owner.js';
import { stockMethods } from './stock.js';

/** What the service gets from its process. A test gives a part of it. */
export type SalesContext = Pick<ServiceContext, 'log' | 'channel'> & Partial<ServiceContext>;

const MIGRATIONS = new URL('../migrations/', import.meta.url);

/** Creates the service: opens its database and what works with it, and implements its contracts. */
export function createApp(context: SalesContext, { databaseUrl: url, ...config }: SalesConfig): App {
  const resources = [customers, products, quotes, orders];
  const opened = openDatabase({ ...context, name: 'sales', url, migrations: MIGRATIONS, resources });
  const audit = createAudit({ database: opened, ...auditBy(config) });
  const database = audit.over(opened);
  const payment = awaitPayment((tx, name) => cancel(jobs, tx, { name }));
  const jobs: Jobs = createJobs({
    database,
    services: [QuoteServiceDefinition, OrderServiceDefinition],
    workflows: [payment],
  });
  const topics = createTopics({ database, topics: [OrderPlaced], services: [OrderServiceDefinition] });
  const delivery = createDelivery(database, context.channel);
  const methods = { ...database.context, errors, jobs, calculator: createCalculator(context.channel) };
  const rules = rulesPart({ rules: salesRules(methods.database), toRpcError });
  return {
    parts: [database, audit, jobs, topics, delivery, rules],
    services: [
      customerService(methods),
      implement(ProductServiceDefinition, { ...productMethods(methods), ...stockMethods(methods) }),
      implement(QuoteServiceDefinition, {
        ...quoteMethods(methods),
        acceptQuote: acceptQuote(methods, delivery),
        remindOwner: remindOwner(methods),
      }),
      implement(OrderServiceDefinition, {
        ...orderMethods(methods),
        placeOrder: placeOrder(methods, topics),
        cancelOrder: cancelOrder(methods),
        archiveProject: archiveProject(context.channel),
        awaitPayment: jobs.runs.handler(payment),
        recordPayment: recordPayment(methods),
      }),
    ],
  };
}
