import { Choice, Field, type Json } from '@rondo/console/page';
import type { Product } from '@rondo/contracts/sales/v1/products';
import type { Quote } from '@rondo/contracts/sales/v1/quotes';
import { moneyText } from './money.js';

/** What a person says of a quote. */
export interface Draft {
  readonly lines: readonly { readonly product: string; readonly quantity: string }[];
  readonly discount: string;
  readonly tax: string;
}

/** A draft to begin with. */
export const draftOf = ({ lines = [], discountPercent, taxPercent }: Json<Quote>): Draft => ({
  lines: lines.map(({ product = '', quantity = '1' }) => ({ product, quantity })),
  discount: discountPercent?.value ?? '0',
  tax: taxPercent?.value ?? '0',
});

/** The fields of a quote that a draft has. */
export const fieldsOf = ({ lines, discount, tax }: Draft) => ({
  lines,
  discountPercent: { value: discount },
  taxPercent: { value: tax },
});

interface QuoteFieldsProps {
  readonly products: readonly Json<Product>[];
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}

/** So that the page has a bounded number of elements. */
const MAX_LINES = 5;

/** The lines of a quote, its discount and its tax. */
export function QuoteFields({ products, draft, onChange }: QuoteFieldsProps) {
  const { lines, discount, tax } = draft;
  const options = products.map(
    ({ name = '', title, unitPrice }) => [name, `${title}, ${moneyText(unitPrice)}`] as const,
  );
  const setLine = (index: number, change: Partial<Draft['lines'][number]>) =>
    onChange({ ...draft, lines: lines.map((line, at) => (at === index ? { ...line, ...change } : line)) });
  const addLine = () => onChange({ ...draft, lines: [...lines, { product: '', quantity: '1' }] });
  return (
    <>
      {lines.map(({ product, quantity }, index) => (
        <div key={index} class="row">
          <Choice
            label={`Product ${index + 1}`}
            options={options}
            value={product}
            onChange={(value) => setLine(index, { product: value })}
          />
          <Field
            label={`Quantity ${index + 1}`}
            required={true}
            inputMode="numeric"
            value={quantity}
            onChange={(value) => setLine(index, { quantity: value })}
          />
        </div>
      ))}
      {lines.length < MAX_LINES && (
        <button type="button" onClick={addLine}>
          Add a line
        </button>
      )}
      <div class="row">
        <Field label="Discount in %" value={discount} onChange={(value) => onChange({ ...draft, discount: value })} />
        <Field label="Tax in %" value={tax} onChange={(value) => onChange({ ...draft, tax: value })} />
      </div>
    </>
  );
}
