import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { nextPageToken, readList } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports } from '../domain/ports.js';
import { type Quote, requireOpen } from '../domain/quote.js';
import { acceptQuote } from '../usecases/accept-quote.js';
import { createQuote } from '../usecases/create-quote.js';
import { deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { getQuote } from '../usecases/get-quote.js';
import { listQuotes } from '../usecases/list-quotes.js';
import { updateQuote } from '../usecases/update-quote.js';
import { answered } from './errors.js';
import { requireName } from './names.js';
import { toOrderMessage } from './order-message.js';
import { QUOTES, readAccept, readCreate, readDelete, readUpdate, toQuoteMessage } from './quote-message.js';

const QUOTE: Target<Quote> = { kind: 'quote', storeOf: ({ quotes }) => quotes, require: requireOpen };

/** `sales.v1.QuoteService`. */
export function quoteService(ports: Ports): ServiceImplementation {
  return implement(QuoteServiceDefinition, {
    async createQuote(request) {
      const { draft, key } = readCreate(request, ports.today());
      return toQuoteMessage(await answered(createQuote(ports, draft, key)));
    },
    async getQuote({ name }) {
      return toQuoteMessage(await answered(getQuote(ports, requireName('quote', name))));
    },
    async listQuotes(request) {
      const { items, next } = await answered(
        listQuotes(
          ports,
          validate((field) => readList(field, QUOTES, request)),
        ),
      );
      return { quotes: items.map(toQuoteMessage), nextPageToken: nextPageToken(QUOTES, request, next) };
    },
    async updateQuote(request) {
      return toQuoteMessage(await answered(updateQuote(ports, readUpdate(request, ports.today()))));
    },
    async deleteQuote(request) {
      return toQuoteMessage(await answered(deleteResource(ports, QUOTE, readDelete(request))));
    },
    async undeleteQuote({ name }) {
      return toQuoteMessage(await answered(undeleteResource(ports, QUOTE, requireName('quote', name))));
    },
    async acceptQuote(request) {
      const { quote, order } = await answered(acceptQuote(ports, readAccept(request, ports.today())));
      return { quote: toQuoteMessage(quote), order: toOrderMessage(order) };
    },
  });
}
