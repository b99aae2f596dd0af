import type { Page, PageQuery } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';
import type { Quote } from '../domain/quote.js';

/** A page of the quotes, the newest first. */
export function listQuotes({ stores }: Pick<Ports, 'stores'>, query: PageQuery): Promise<Page<Quote>> {
  return stores.quotes.list(query);
}
