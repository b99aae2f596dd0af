import { type RulesByPath, rulesOf } from '@rondo/access';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import type { Principal } from '@rondo/rpc/call';
import { type OwnedKind, requireInSight, salespersonSeenBy, sightOf } from '../domain/access.js';
import { NAMES } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';

const IN_SIGHT = { sight: sightOf };

/** Which calls a salesperson may make: the rules of `domain/access.ts` for each method. */
export function salesRules({ salespersonOf }: Pick<Ports, 'salespersonOf'>): readonly RulesByPath[] {
  const see = async (kind: OwnedKind, name: string, principal: Principal): Promise<void> => {
    const id = NAMES[kind].parse(name);
    if (id === undefined || salespersonSeenBy(principal) === undefined) return;
    requireInSight(principal, { kind, id, salesperson: await salespersonOf(kind, id) });
  };
  const named = (kind: OwnedKind) => (request: { readonly name: string }, principal: Principal) =>
    see(kind, request.name, principal);
  return [
    // Its methods see to it themselves, by `visibleTo`.
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
      // Everyone sees the changes, and the orders in sight.
      listStockChanges: IN_SIGHT,
      watchProductChanges: 'everyone',
    }),
    rulesOf(QuoteServiceDefinition, {
      createQuote: ({ quote }, principal) => see('customer', quote?.customer ?? '', principal),
      getQuote: named('quote'),
      listQuotes: IN_SIGHT,
      watchQuotes: 'everyone',
      updateQuote: ({ quote }, principal) => see('quote', quote?.name ?? '', principal),
      deleteQuote: named('quote'),
      undeleteQuote: named('quote'),
      acceptQuote: named('quote'),
    }),
    rulesOf(OrderServiceDefinition, {
      placeOrder: ({ order }, principal) => see('customer', order?.customer ?? '', principal),
      cancelOrder: named('order'),
      watchOrders: 'everyone',
      getOrder: named('order'),
      listOrders: IN_SIGHT,
    }),
  ];
}
