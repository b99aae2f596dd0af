import { CallFault, type ConflictState, type Json } from '@rondo/console/page';
import type { Quote } from '@rondo/contracts/sales/v1/quotes';
import { moneyText } from './money.js';
import { type Draft, draftOf, fieldsOf } from './quote-fields.js';
import { products, quotes } from './services.js';

type OnConflict = (conflict: ConflictState) => void;

/** Changes a quote as a person saw it. If another has changed it meanwhile, `onConflict` gets the question. @throws CallFault */
export async function changeQuote(quote: Json<Quote>, draft: Draft, onConflict: OnConflict): Promise<void> {
  const { name = '', etag } = quote;
  try {
    const updateMask = 'lines,discountPercent,taxPercent';
    await quotes.call('updateQuote', { quote: { name, etag, ...fieldsOf(draft) }, updateMask });
  } catch (cause) {
    const theirs = await ifStale(cause, name);
    const rows = [['Lines', linesText(theirs), linesText({ ...theirs, ...fieldsOf(draft) })]] as const;
    onConflict({ what: 'quote', rows, keep: () => changeQuote(theirs, draft, onConflict) });
  }
}

/** Makes an order of a quote at the price that a person saw. @throws Error if it can't be delivered, and CallFault */
export async function acceptQuote(quote: Json<Quote>, onConflict: OnConflict): Promise<void> {
  const { name = '', etag } = quote;
  try {
    await quotes.call('acceptQuote', { name, etag });
  } catch (cause) {
    if (cause instanceof CallFault && cause.code === 'failed_precondition') throw await shortageOf(quote, cause);
    const theirs = await ifStale(cause, name);
    onConflict({
      what: 'quote',
      rows: [
        ['Lines', linesText(theirs), linesText(quote)],
        ['Total', moneyText(theirs.total), moneyText(quote.total)],
      ],
      keep: () => acceptQuote(theirs, onConflict),
      keepLabel: `Accept theirs, at ${moneyText(theirs.total)}`,
      leaveLabel: 'Leave it open',
    });
  }
}

/** The quote as it is now. @throws the given error, unless it is about the etag. */
async function ifStale(cause: unknown, name: string): Promise<Json<Quote>> {
  if (cause instanceof CallFault && cause.code === 'aborted') return await quotes.call('getQuote', { name });
  throw cause;
}

/** Which products are short, in words; the service's own words if none is. */
async function shortageOf({ lines = [] }: Json<Quote>, cause: CallFault): Promise<Error> {
  const needed = new Map<string, number>();
  for (const { product = '', quantity } of lines) needed.set(product, (needed.get(product) ?? 0) + Number(quantity));
  const found = await Promise.all([...needed.keys()].map((name) => products.call('getProduct', { name })));
  const short = found.flatMap(({ name = '', title, stock = '0' }) => {
    const wanted = needed.get(name) ?? 0;
    return Number(stock) < wanted ? [`only ${stock} of ${title} left, and the quote needs ${wanted}`] : [];
  });
  if (short.length === 0) return cause;
  return new Error(`Nothing was ordered: ${short.join('; ')}. Change the quote.`);
}

/** The lines of a quote in one line. */
export function linesText(quote: Json<Quote>): string {
  const titles = new Map((quote.lines ?? []).map(({ product, title }) => [product, title]));
  return draftOf(quote)
    .lines.map(({ product, quantity }) => `${quantity} × ${titles.get(product) || product}`)
    .join(', ');
}
