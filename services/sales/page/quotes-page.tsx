import {
  Choice,
  ConflictDialog,
  type ConflictState,
  ConnectionLine,
  Dialog,
  Form,
  type Json,
  useFeed,
} from '@rondo/console/page';
import type { Order } from '@rondo/contracts/sales/v1/orders';
import type { Quote } from '@rondo/contracts/sales/v1/quotes';
import { useState } from 'preact/hooks';
import { type Catalogue, useCatalogue } from './catalogue.js';
import { acceptQuote, changeQuote, linesText } from './change-quote.js';
import { moneyText } from './money.js';
import { draftOf, fieldsOf, QuoteFields } from './quote-fields.js';
import { orders, quotes } from './services.js';

async function* watchQuotes(signal: AbortSignal) {
  for await (const { snapshot, quoteChanged } of quotes.watch('watchQuotes', {}, signal)) {
    if (snapshot) yield { items: snapshot.quotes ?? [], more: snapshot.more === true };
    if (quoteChanged) yield { items: [quoteChanged] };
  }
}

async function* watchOrders(signal: AbortSignal) {
  for await (const { snapshot, orderChanged } of orders.watch('watchOrders', {}, signal)) {
    if (snapshot) yield { items: snapshot.orders ?? [], more: snapshot.more === true };
    if (orderChanged) yield { items: [orderChanged] };
  }
}

/** The page has a bounded number of elements, however much was sold. */
const MAX_SHOWN = 30;
const newest = <T,>(items: readonly T[]): readonly T[] => items.slice(-MAX_SHOWN).reverse();

/** What a person does with a quote. */
interface Doing {
  readonly kind: 'accept' | 'change';
  readonly quote: Json<Quote>;
}

/** The newest quotes and orders, and a form for a quote. `chosen` is its customer, or empty. */
export function QuotesPage({ chosen }: { readonly chosen: string }) {
  const [round, setRound] = useState(0);
  const [doing, setDoing] = useState<Doing>();
  const [conflict, setConflict] = useState<ConflictState>();
  const offered = useFeed(watchQuotes, String(round));
  const ordered = useFeed(watchOrders, String(round));
  const open = [...offered.items.values()].filter(({ state }) => state !== 'QUOTE_STATE_ACCEPTED');
  const [shownQuotes, shownOrders] = [newest(open), newest([...ordered.items.values()])];
  const buyers = [...shownQuotes, ...shownOrders].map(({ customer = '' }) => customer);
  const catalogue = useCatalogue(chosen === '' ? buyers : [chosen, ...buyers]);
  const nameOf = (customer = '') => catalogue.customers.get(customer) ?? customer;
  const { connection } = offered.connection.kind === 'live' ? ordered : offered;
  return (
    <>
      <ConnectionLine connection={connection} onSignIn={() => setRound(round + 1)} />
      <div class="desk">
        <section aria-label="New quote">
          <h2>New quote</h2>
          <NewQuote catalogue={catalogue} chosen={chosen} />
        </section>
        <section aria-label="Open quotes">
          <h2>Open quotes</h2>
          {offered.isWhole && shownQuotes.length === 0 && <p>No quote is open: make one.</p>}
          <ul>
            {shownQuotes.map((quote) => (
              <QuoteCard key={quote.name} quote={quote} customer={nameOf(quote.customer)} onDo={setDoing} />
            ))}
          </ul>
        </section>
        <section aria-label="Orders">
          <h2>Orders</h2>
          {ordered.isWhole && shownOrders.length === 0 && <p>There is no order yet: accept a quote.</p>}
          <ul>
            {shownOrders.map((order) => (
              <OrderCard key={order.name} order={order} customer={nameOf(order.customer)} />
            ))}
          </ul>
        </section>
      </div>
      {doing?.kind === 'change' && (
        <ChangeDialog
          quote={doing.quote}
          catalogue={catalogue}
          onConflict={setConflict}
          onClose={() => setDoing(undefined)}
        />
      )}
      {doing?.kind === 'accept' && (
        <Dialog
          title={`Accept the quote for ${nameOf(doing.quote.customer)}?`}
          action={`Accept at ${moneyText(doing.quote.total)}`}
          onAct={() => acceptQuote(doing.quote, setConflict)}
          onClose={() => setDoing(undefined)}
        >
          <p>{linesText(doing.quote)}</p>
          <p>The order takes them from the stock, and a project delivers it.</p>
        </Dialog>
      )}
      {conflict && (
        <ConflictDialog
          key={String(conflict.rows)}
          conflict={conflict}
          onClose={() => setConflict((now) => (now === conflict ? undefined : now))}
        />
      )}
    </>
  );
}

const EMPTY = draftOf({ lines: [{}] });

function NewQuote({ catalogue, chosen }: { readonly catalogue: Catalogue; readonly chosen: string }) {
  const [customer, setCustomer] = useState(chosen);
  const [draft, setDraft] = useState(EMPTY);
  const create = async () => {
    await quotes.call('createQuote', { quote: { customer, ...fieldsOf(draft) } });
    setDraft(EMPTY);
  };
  return (
    <Form action="Make the quote" onAct={create}>
      <Choice label="Customer" options={[...catalogue.customers]} value={customer} onChange={setCustomer} />
      <QuoteFields products={catalogue.products} draft={draft} onChange={setDraft} />
    </Form>
  );
}

const WORDS = { accept: 'Accept', change: 'Change' };

interface QuoteCardProps {
  readonly quote: Json<Quote>;
  readonly customer: string;
  readonly onDo: (doing: Doing) => void;
}

function QuoteCard({ quote, customer, onDo }: QuoteCardProps) {
  const { lines = [], net, tax, total, state } = quote;
  return (
    <li>
      <strong>{customer}</strong>
      <ul>
        {lines.map(({ title, quantity, unitPrice }, index) => (
          <li key={index}>
            {quantity} × {title} at {moneyText(unitPrice)}
          </li>
        ))}
      </ul>
      <p>
        {moneyText(net)} and {moneyText(tax)} tax: <strong>{moneyText(total)}</strong>
      </p>
      {state === 'QUOTE_STATE_OPEN' ? (
        <p class="row">
          {(['accept', 'change'] as const).map((kind) => (
            <button
              key={kind}
              type="button"
              aria-label={`${WORDS[kind]} the quote for ${customer}`}
              onClick={() => onDo({ kind, quote })}
            >
              {WORDS[kind]}
            </button>
          ))}
        </p>
      ) : (
        <p>Being accepted …</p>
      )}
    </li>
  );
}

function OrderCard({ order, customer }: { readonly order: Json<Order>; readonly customer: string }) {
  const { lines = [], total, state, project } = order;
  return (
    <li>
      <strong>{customer}</strong>: {lines.map(({ title, quantity }) => `${quantity} × ${title}`).join(', ')}
      <p>
        <strong>{moneyText(total)}</strong>
        {state === 'ORDER_STATE_CANCELLED' && ', cancelled'}
        {project && (
          <>
            {', '}
            <a href={`/board#/${project}`}>delivery</a>
          </>
        )}
      </p>
    </li>
  );
}

interface ChangeDialogProps {
  readonly quote: Json<Quote>;
  readonly catalogue: Catalogue;
  readonly onConflict: (conflict: ConflictState) => void;
  readonly onClose: () => void;
}

function ChangeDialog({ quote, catalogue, onConflict, onClose }: ChangeDialogProps) {
  const [draft, setDraft] = useState(draftOf(quote));
  const known = new Set(catalogue.products.map(({ name }) => name));
  const own = (quote.lines ?? []).filter(({ product }) => !known.has(product));
  const products = [...own.map(({ product: name, ...line }) => ({ name, ...line })), ...catalogue.products];
  return (
    <Dialog
      title="Change the quote"
      action="Price it again"
      onAct={() => changeQuote(quote, draft, onConflict)}
      onClose={onClose}
    >
      <QuoteFields products={products} draft={draft} onChange={setDraft} />
    </Dialog>
  );
}
