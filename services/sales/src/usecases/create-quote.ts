import { MixedCurrencies, NotFound } from '../domain/errors.js';
import type { Ports, Stores } from '../domain/ports.js';
import { type Quote, type QuoteDraft, type QuoteLine, toQuoteLine } from '../domain/quote.js';
import type { RequestKey } from '../domain/request-key.js';
import { found } from './found.js';
import { priceQuote } from './price-quote.js';

/**
 * Prices a quote at the products' present prices and keeps it, once for a key.
 *
 * @throws NotFound, MixedCurrencies, TotalOutOfRange, RequestIdReused, Unavailable
 */
export async function createQuote(
  { stores, transact, calculator, newId }: Pick<Ports, 'stores' | 'transact' | 'calculator' | 'newId'>,
  draft: QuoteDraft,
  key: RequestKey | undefined,
): Promise<Quote> {
  // A quote that is there is answered without the calculator, which may be away by now.
  const first = key === undefined ? undefined : await stores.requests.recall(key);
  if (first !== undefined) return asMade(stores, first);

  const lines = await offer(stores, draft);
  // Outside the transaction: no connection is held while another service is asked.
  const price = await priceQuote(calculator, { ...draft, lines });
  const quote = { ...draft, id: newId(), lines, price };
  return transact(async (kept) => {
    const other = await kept.requests.claim(key, quote.id);
    return other === undefined ? kept.quotes.add(quote) : asMade(kept, other);
  });
}

/** The lines with their products' titles and prices. */
async function offer({ customers, products }: Stores, draft: QuoteDraft): Promise<readonly QuoteLine[]> {
  found('customer', draft.customerId, await customers.find(draft.customerId));
  const ids = [...new Set(draft.lines.map(({ productId }) => productId))];
  const byId = new Map((await products.findAll(ids)).map((product) => [product.id, product]));
  const missing = ids.filter((id) => !byId.has(id));
  if (missing.length > 0) throw new NotFound('product', missing);

  const lines = draft.lines.map((line) =>
    toQuoteLine(line, found('product', line.productId, byId.get(line.productId))),
  );
  requireOneCurrency(lines);
  return lines;
}

function requireOneCurrency(lines: readonly QuoteLine[]): void {
  const expected = lines[0]?.unitPrice.currency ?? '';
  const foreign = lines
    .map(({ productId, unitPrice: { currency } }, index) => ({ index, productId, currency }))
    .filter(({ currency }) => currency !== expected);
  if (foreign.length > 0) throw new MixedCurrencies(foreign, expected);
}

/** What the first call was answered, whatever has become of the quote since. */
async function asMade({ quotes }: Stores, id: string): Promise<Quote> {
  return { ...found('quote', id, await quotes.find(id)), state: 'open', orderId: undefined };
}
