import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Ports } from '../domain/ports.js';
import { acceptQuote } from '../usecases/accept-quote.js';
import { createQuote } from '../usecases/create-quote.js';
import { getQuote } from '../usecases/get-quote.js';
import { listQuotes } from '../usecases/list-quotes.js';
import { answered } from './errors.js';
import { requireName } from './names.js';
import { toOrderMessage } from './order-message.js';
import { readPage, toPageToken } from './pages.js';
import { readCreate, toQuoteMessage } from './quote-message.js';

/** `sales.v1.QuoteService`. */
export function quoteService(ports: Ports): ServiceImplementation {
  return implement(QuoteServiceDefinition, {
    async createQuote(request) {
      const { draft, key } = readCreate(request);
      return toQuoteMessage(await answered(createQuote(ports, draft, key)));
    },
    async getQuote({ name }) {
      return toQuoteMessage(await answered(getQuote(ports, requireName('quote', name))));
    },
    async listQuotes(request) {
      const { items, next } = await answered(listQuotes(ports, readPage('quotes', request)));
      return { quotes: items.map(toQuoteMessage), nextPageToken: toPageToken('quotes', next) };
    },
    async acceptQuote({ name }) {
      const { quote, order } = await answered(acceptQuote(ports, requireName('quote', name)));
      return { quote: toQuoteMessage(quote), order: toOrderMessage(order) };
    },
  });
}
