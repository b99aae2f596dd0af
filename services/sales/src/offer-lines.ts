import type { OrderLine } from '@rondo/contracts/sales/v1/orders';
import type { Queries, SqlValue } from '@rondo/database';
import type { Column } from '@rondo/resources';
import type { LineDraft, OfferLine, PricedLine } from './domain/offer.js';
import { formatPercent } from './domain/percent.js';
import { checkPercent, moneyMessage, percentMessage, percentOf, storedPercent } from './offer-columns.js';
import { products } from './products.js';

/** The message of a line, which is the same for quotes and orders. */
export type LineMessage = OrderLine;

/** A column of lines: its type, and the value that it has of a line. */
type LineColumn = readonly [type: string, of: (line: OfferLine) => string | bigint];

const COLUMNS: Readonly<Record<string, LineColumn>> = {
  product_id: ['text', ({ productId }) => productId],
  quantity: ['bigint', ({ quantity }) => quantity],
  discount_percent: ['numeric', ({ discount }) => formatPercent(discount)],
  title: ['text', ({ title }) => title],
  unit_price_minor: ['numeric', ({ unitPrice }) => unitPrice.minorUnits],
};
const EFFORT: LineColumn = ['bigint', ({ deliveryEffortMinutes }) => deliveryEffortMinutes];

/** A row of quotes or orders with its lines. */
type WithLines = Readonly<Record<string, unknown>>;

/** Where lines are stored. */
interface LineTable {
  readonly table: string;
  /** The column with the id of the quote or the order. */
  readonly owner: string;
  readonly columns: Readonly<Record<string, LineColumn>>;
  /** The names of columns in the changes for watchers, where they differ. */
  readonly named?: Readonly<Record<string, string>>;
}

function linesIn({ table, owner, columns, named = {} }: LineTable) {
  const names = Object.keys(columns);
  const fromParams = (first: number): string => {
    const arrays = Object.values(columns).map(([type], index) => `$${first + index}::${type}[]`);
    return `unnest(${arrays.join(', ')}) WITH ORDINALITY AS line (${names.join(', ')}, position)`;
  };
  const params = (lines: readonly OfferLine[]): readonly SqlValue[] =>
    Object.values(columns).map(([, of]) => lines.map(of));
  const jsonSql = (from: string): string => {
    const texts = names.map((column) => `${column}::text AS ${named[column] ?? column}`);
    return `(SELECT json_agg(line) FROM (SELECT ${texts.join(', ')} FROM ${from} ORDER BY position) AS line)`;
  };
  const insertSql = (id: string, from: string): string => `
    INSERT INTO ${table} (${owner}, ${names.join(', ')}, position)
    SELECT ${id}, ${names.join(', ')}, position FROM ${from}`;
  const insertOfParams = insertSql('$1', fromParams(2));
  const [product = '', quantity = '', discount = '', title = '', price = '', effort = ''] = names.map(
    (column) => named[column] ?? column,
  );
  const lineIn = (line: Readonly<Record<string, unknown>>, currency: string): OfferLine => ({
    productId: String(line[product]),
    quantity: BigInt(String(line[quantity])),
    discount: storedPercent(String(line[discount])),
    title: String(line[title]),
    unitPrice: { currency, minorUnits: BigInt(String(line[price])) },
    deliveryEffortMinutes: effort === '' ? 0n : BigInt(String(line[effort])),
  });
  // The lines of a quote are read for its message, and then for its etag.
  let last: { readonly json: unknown; readonly lines: readonly OfferLine[] } = { json: undefined, lines: [] };
  const read = ({ lines: json, currency }: WithLines): readonly OfferLine[] => {
    if (!Array.isArray(json)) return [];
    if (json !== last.json) last = { json, lines: json.map((line) => lineIn(Object(line), String(currency))) };
    return last.lines;
  };
  const column: Column<LineMessage[]> = {
    names: ['lines', 'currency'],
    types: [],
    needed: 'is required: 1 to 100 lines',
    write: () => [],
    read: ([lines, currency]) => read({ lines, currency }).map(lineMessage),
    check(field, path, lines) {
      for (const [index, line] of lines.entries())
        checkPercent(field, `${path}[${index}].discount_percent`, line.discountPercent);
    },
  };
  return {
    /** The field. Its rows have the lines in `lines`, as changes do. */
    column,
    /** The lines of a row. */
    read,
    /** SQL of JSON with texts, by the names in changes. `from` has the columns. */
    jsonSql,
    /** The lines of the row `row`, besides its columns. */
    derivedSql: (row: string): string => `${jsonSql(`${table} WHERE ${owner} = ${row}.id`)} AS lines`,
    insert: (tx: Queries, id: string, lines: readonly OfferLine[]) => tx.query(insertOfParams, [id, ...params(lines)]),
    /** For a statement that writes more: the INSERT, the relation of lines in parameters, and these. */
    insertSql,
    fromParams,
    params,
  };
}

export const quoteLines = linesIn({
  table: 'quote_lines',
  owner: 'quote_id',
  columns: { ...COLUMNS, delivery_effort_minutes: EFFORT },
});

export const orderLines = linesIn({
  table: 'order_lines',
  owner: 'order_id',
  columns: COLUMNS,
  named: { product_id: 'product', discount_percent: 'discount', unit_price_minor: 'price' },
});

/** The message of a line. */
export function lineMessage({ productId, quantity, discount, unitPrice, title }: PricedLine): LineMessage {
  return {
    product: products.nameOf(productId),
    quantity,
    discountPercent: percentMessage(discount),
    unitPrice: moneyMessage(unitPrice),
    title,
  };
}

/** The line that a checked message asks for. */
export const lineDraft = ({ product, quantity, discountPercent }: LineMessage): LineDraft => ({
  productId: products.idsIn(product)[0] ?? '',
  quantity,
  discount: percentOf(discountPercent),
});
