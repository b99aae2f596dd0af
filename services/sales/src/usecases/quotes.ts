import type { Ports } from '../domain/ports.js';
import { type Quote, type QuoteDraft, type PricedQuote, type QuoteChange, requireOpen } from '../domain/quote.js';
import { callOf, type RequestKey } from '../domain/request-id.js';
import { live, type ChangesSinceRead, differs, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';
import { makeOffer } from './offer.js';
import { once } from './once.js';
import type { ListQuery, Page } from '../domain/list.js';
import { ConcurrentChange } from '../domain/errors.js';

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

/** One quote. @throws NotFound */
export async function getQuote({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Quote> {
  return found('quote', id, await stores.quotes.find(id));
}

/** A page of the quotes, the newest first. */
export function listQuotes({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Quote>> {
  return stores.quotes.list(query);
}

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
