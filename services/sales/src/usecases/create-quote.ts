import type { Ports } from '../domain/ports.js';
import type { Quote, QuoteDraft } from '../domain/quote.js';
import { callOf, type RequestKey } from '../domain/request-key.js';
import { live } from '../domain/stored.js';
import { found } from './found.js';
import { makeOffer } from './offer.js';
import { once } from './once.js';

/**
 * Prices a quote at the products' present prices and keeps it, once for a key.
 *
 * @throws NotFound, Deleted, MixedCurrencies, TotalOutOfRange, RequestIdReused, Unavailable
 */
export async function createQuote(
  { stores, transact, calculator, newId }: Pick<Ports, 'stores' | 'transact' | 'calculator' | 'newId'>,
  draft: QuoteDraft,
  key: RequestKey | undefined,
): Promise<Quote> {
  const call = callOf('CreateQuote', key);
  // A quote that is there is answered without the calculator, which may be away by now.
  if (call !== undefined && (await stores.requests.has(call))) return stores.quotes.firstAnswer(call);

  const { customerId, quoteDate } = draft;
  live('customer', found('customer', customerId, await stores.customers.find(customerId)));
  // Outside the transaction: no connection is held while another service is asked.
  const { versions: _, ...offer } = await makeOffer({ products: stores.products, calculator }, draft, 'quote');
  const quote = { ...offer, id: newId(), customerId, quoteDate };
  return transact(({ quotes, requests }) =>
    once(requests, call, { id: quote.id, answers: quotes, make: () => quotes.add(quote) }),
  );
}
