import type { ListQuery, Page } from '../domain/list.js';
import type { Ports } from '../domain/ports.js';
import type { Quote } from '../domain/quote.js';

/** A page of the quotes, the newest first. */
export function listQuotes({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Quote>> {
  return stores.quotes.list(query);
}
