import type { Decimal } from '@rondo/contracts/google/type/decimal';
import type { OrderLine as LineMessage } from '@rondo/contracts/sales/v1/orders';
import { checked, type FieldAt } from '@rondo/rpc/status';
import { nameOf } from '../domain/names.js';
import type { LineDraft, PricedLine, PriceRequest } from '../domain/offer.js';
import { lineCountFault, quantityFault } from '../domain/rules.js';
import { toMoneyMessage } from './money.js';
import { readName } from './names.js';
import { readPercent, toPercentMessage } from './percent.js';

/** What quotes and orders have alike: what is asked the price of. */
export interface PriceRequestMessage {
  readonly lines: readonly LineMessage[];
  readonly discountPercent: Decimal | undefined;
  readonly taxPercent: Decimal | undefined;
}

/** What is asked the price of; `field` is that of what has the lines. */
export function readPriceRequest(
  field: FieldAt,
  { lines, discountPercent, taxPercent }: PriceRequestMessage,
): PriceRequest {
  return {
    lines: readLines(field, lines),
    discount: readPercent(field('discount_percent'), discountPercent),
    taxRate: readPercent(field('tax_percent'), taxPercent),
  };
}

/** The lines of something; `field` is that of what has them. */
export function readLines(field: FieldAt, lines: readonly LineMessage[]): readonly LineDraft[] {
  checked(field('lines'), lines.length, lineCountFault);
  return lines.map((line, index) => readLine((path) => field(`lines[${index}].${path}`), line));
}

function readLine(field: FieldAt, { product, quantity, discountPercent }: LineMessage): LineDraft {
  return {
    productId: readName(field('product'), 'product', product),
    quantity: checked(field('quantity'), quantity, quantityFault),
    discount: readPercent(field('discount_percent'), discountPercent),
  };
}

/** A line as the contracts have it: quotes' and orders' are alike. */
export function toLineMessage({ productId, quantity, discount, unitPrice, title }: PricedLine): LineMessage {
  return {
    product: nameOf('product', productId),
    quantity,
    discountPercent: toPercentMessage(discount),
    unitPrice: toMoneyMessage(unitPrice),
    title,
  };
}
