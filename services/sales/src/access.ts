import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import type { Queries } from '@rondo/database';
import { type Rule, type RulesByPath, rulesOf, type Store } from '@rondo/resources';
import { customers } from './customers.js';
import { orders } from './orders.js';
import { quotes } from './quotes.js';

interface Named {
  readonly name: string;
}

/** Which calls a salesperson may make. The standard methods see to it themselves, by `visibleTo`. */
export function salesRules(queries: Queries): readonly RulesByPath[] {
  const sees =
    <Request>(store: Pick<Store<never>, 'see'>, nameIn: (request: Request) => string | undefined): Rule<Request> =>
    (request, principal) =>
      store.see(queries, nameIn(request) ?? '', principal);
  return [
    rulesOf(CustomerServiceDefinition, 'everyone'),
    rulesOf(ProductServiceDefinition, {
      createProduct: 'everyone',
      getProduct: 'everyone',
      listProducts: 'everyone',
      watchProducts: 'everyone',
      updateProduct: 'everyone',
      deleteProduct: 'everyone',
      undeleteProduct: 'everyone',
      adjustStock: 'everyone',
      listStockChanges: 'everyone',
      watchProductChanges: 'everyone',
    }),
    rulesOf(QuoteServiceDefinition, {
      createQuote: sees(customers, ({ quote }) => quote?.customer),
      getQuote: 'everyone',
      listQuotes: 'everyone',
      watchQuotes: 'everyone',
      updateQuote: sees(quotes, ({ quote }) => quote?.name),
      deleteQuote: 'everyone',
      undeleteQuote: 'everyone',
      remindOwner: 'everyone',
      acceptQuote: sees(quotes, ({ name }: Named) => name),
    }),
    rulesOf(OrderServiceDefinition, {
      placeOrder: sees(customers, ({ order }) => order?.customer),
      cancelOrder: sees(orders, ({ name }: Named) => name),
      archiveProject: 'everyone',
      awaitPayment: 'everyone',
      recordPayment: 'everyone',
      watchOrders: 'everyone',
      getOrder: 'everyone',
      listOrders: 'everyone',
    }),
  ];
}
