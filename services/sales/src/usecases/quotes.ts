import {
  type ChangedSince,
  ConcurrentChange,
  differs,
  type ListQuery,
  type Page,
  requireUnchanged,
} from '@rondo/resources/domain';
import { nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import {
  type PricedQuote,
  type Quote,
  type QuoteChange,
  type QuoteDraft,
  requireOpen,
  requireValidPeriod,
} from '../domain/quote.js';
import { found, live } from '../domain/stored.js';
import { makeOffer } from './offer.js';

/**
 * Prices a quote at the products' present prices and stores it. The transaction has the reply, which repetitions of the call
 * get.
 *
 * @throws NotFound, Deleted, ValidBeforeQuote, MixedCurrencies, TooMuchEffort, TotalOutOfRange, Unavailable
 */
export async function createQuote<R>(
  { stores, transact, calculator, newId }: Pick<Ports, 'stores' | 'transact' | 'calculator' | 'newId'>,
  draft: QuoteDraft,
  toReply: (quote: Quote) => R,
): Promise<R> {
  const { customerId, quoteDate, validUntil } = draft;
  requireValidPeriod(draft);
  await stores.customers.findLive(customerId);
  // This call is outside the transaction, so no connection is held during it.
  const { versions: _, ...offer } = await makeOffer({ products: stores.products, calculator }, draft, 'quote');
  const quote = { ...offer, id: newId(), customerId, quoteDate, validUntil };
  return transact(async ({ quotes }) => toReply(await quotes.add(quote)));
}

/** One quote. @throws NotFound */
export async function getQuote({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Quote> {
  return found('quote', id, await stores.quotes.find(id));
}

/** One page of the quotes, the newest first. */
export function listQuotes({ lists }: Pick<Ports, 'lists'>, query: ListQuery): Promise<Page<Quote>> {
  return lists.quotes.list(query);
}

/** The fields to change, and the etag to check. */
export interface QuoteUpdate {
  readonly id: string;
  readonly change: QuoteChange;
  readonly changedSince: ChangedSince<Quote>;
}

const MAX_ATTEMPTS = 5;

/**
 * Changes an open quote and prices it again at the products' present prices. If nothing would differ, it isn't written.
 *
 * @throws NotFound, Deleted, StaleEtag, WrongQuoteState, ValidBeforeQuote, MixedCurrencies, TooMuchEffort, TotalOutOfRange,
 * ConcurrentChange, Unavailable
 */
export async function updateQuote(
  ports: Pick<Ports, 'stores' | 'transact' | 'calculator'>,
  update: QuoteUpdate,
): Promise<Quote> {
  // The quote is priced outside the transaction. If it has changed meanwhile, it is priced again.
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const present = requireChangeable(await ports.stores.quotes.find(update.id), update);
    const replaced = await replaceUnlessChanged(ports, update, {
      present,
      priced: await reprice(ports, present, update),
    });
    if (replaced !== undefined) return replaced;
  }
  throw new ConcurrentChange();
}

function requireChangeable(quote: Quote | undefined, { id, changedSince }: QuoteUpdate): Quote {
  const present = live('quote', found('quote', id, quote));
  requireUnchanged(nameOf('quote', id), present, changedSince);
  return requireOpen(present);
}

async function reprice(
  { stores, calculator }: Pick<Ports, 'stores' | 'calculator'>,
  { id, customerId, ...present }: Quote,
  { change }: QuoteUpdate,
): Promise<PricedQuote> {
  const wanted = { ...present, ...change };
  requireValidPeriod(wanted);
  const { versions: _, ...offer } = await makeOffer({ products: stores.products, calculator }, wanted, 'quote');
  return { ...offer, id, customerId, quoteDate: wanted.quoteDate, validUntil: wanted.validUntil };
}

/** Returns undefined if the quote has changed since it was priced. */
function replaceUnlessChanged(
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
