import type { Ports } from '../domain/ports.js';
import type { Quote } from '../domain/quote.js';
import { found } from './found.js';

/** One quote. @throws NotFound */
export async function getQuote({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Quote> {
  return found('quote', id, await stores.quotes.find(id));
}
