import { ConcurrentChange } from '../domain/errors.js';
import type { Ports } from '../domain/ports.js';
import { type PricedQuote, type Quote, type QuoteChange, requireOpen } from '../domain/quote.js';
import { type ChangesSinceRead, differs, live, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';
import { makeOffer } from './offer.js';

/** What of a quote is to be changed, and what it has to be like. */
export interface QuoteUpdate {
  readonly id: string;
  readonly change: QuoteChange;
  readonly changes: ChangesSinceRead<Quote>;
}

const MAX_ATTEMPTS = 5;

/**
 * Changes an open quote and prices it anew, at the products' present prices; where nothing would differ, it stays
 * as it is.
 *
 * @throws NotFound, Deleted, StaleEtag, WrongQuoteState, MixedCurrencies, TotalOutOfRange, ConcurrentChange, Unavailable
 */
export async function updateQuote(
  ports: Pick<Ports, 'stores' | 'transact' | 'calculator'>,
  update: QuoteUpdate,
): Promise<Quote> {
  // Priced outside the transaction, from the quote as it was read: where it has changed meanwhile, once more.
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const present = requireChangeable(await ports.stores.quotes.find(update.id), update);
    const replaced = await replaceWhere(ports, update, { present, priced: await priceAnew(ports, present, update) });
    if (replaced !== undefined) return replaced;
  }
  throw new ConcurrentChange();
}

function requireChangeable(quote: Quote | undefined, { id, changes }: QuoteUpdate): Quote {
  const present = live('quote', found('quote', id, quote));
  requireAsRead('quote', present, changes);
  return requireOpen(present);
}

async function priceAnew(
  { stores, calculator }: Pick<Ports, 'stores' | 'calculator'>,
  { id, customerId, ...present }: Quote,
  { change }: QuoteUpdate,
): Promise<PricedQuote> {
  const asked = { ...present, ...change };
  const { versions: _, ...offer } = await makeOffer({ products: stores.products, calculator }, asked, 'quote');
  return { ...offer, id, customerId, quoteDate: asked.quoteDate };
}

/** Undefined where the quote isn't any more as it was priced. */
function replaceWhere(
  { transact }: Pick<Ports, 'transact'>,
  update: QuoteUpdate,
  { present, priced }: { readonly present: Quote; readonly priced: PricedQuote },
): Promise<Quote | undefined> {
  return transact(async ({ quotes }) => {
    const locked = requireChangeable(await quotes.lock(update.id), update);
    if (locked.version !== present.version) return undefined;
    return differs(locked, priced) ? quotes.replace(priced) : locked;
  });
}
