import { toDecimal } from './money.js';
import type { PricedLine } from './offer.js';
import { formatPercent, type Percent } from './percent.js';

/** The longest expression that the calculator's contract accepts. */
export const MAX_EXPRESSION_CHARACTERS = 4096;

/**
 * Expressions whose sum is a hundred times the sum of the lines after their own discounts. It is one expression unless
 * that would exceed the limit together with the text that {@link priceExpressions} adds.
 */
export function subtotalExpressions(lines: readonly PricedLine[]): readonly string[] {
  const roomCharacters = MAX_EXPRESSION_CHARACTERS - longestFrame.length;
  const packed: string[] = [];
  for (const line of lines) {
    const term = termOf(line);
    const last = packed.at(-1);
    if (last === undefined || last.length + 1 + term.length > roomCharacters) packed.push(term);
    else packed[packed.length - 1] = `${last}+${term}`;
  }
  return packed;
}

/** The expressions of `net` and `total`, given the sum of the {@link subtotalExpressions}. Both are exact. */
export function priceExpressions(
  subtotal: string,
  { discount, taxRate }: { readonly discount: Percent; readonly taxRate: Percent },
): { readonly net: string; readonly total: string } {
  const discounted = `(${subtotal})*${less(discount)}`;
  return { net: `${discounted}/10000`, total: `${discounted}*(100+${formatPercent(taxRate)})/1000000` };
}

function termOf({ quantity, unitPrice, discount }: PricedLine): string {
  return `${quantity}*${toDecimal(unitPrice)}*${less(discount)}`;
}

/** The expression of `100 - discount`. */
function less(discount: Percent): string {
  return discount.tenThousandths === 0n ? '100' : `(100-${formatPercent(discount)})`;
}

const longestPercent: Percent = { tenThousandths: 99_9999n };
const longestFrame = priceExpressions('', { discount: longestPercent, taxRate: longestPercent }).total;
