import { TotalOutOfRange } from './errors.js';
import { digitsOf, fromDecimal, isRepresentable, toDecimal } from './money.js';
import type { Price, PricedLine, PricedLines } from './offer.js';
import { formatPercent, type Percent } from './percent.js';

/** Evaluates expressions exactly. */
export interface Calculator {
  /**
   * The value of an expression in plain notation: exact, or rounded half to even to `scale` digits.
   *
   * @throws Unavailable
   */
  evaluate(expression: string, scale?: number): Promise<string>;
}

/**
 * Computes the price of lines with the calculator. Net and total are each rounded once, from their exact values.
 *
 * @throws TotalOutOfRange, Unavailable
 */
export async function priceLines(calculator: Calculator, { lines, ...percents }: PricedLines): Promise<Price> {
  const currency = lines[0]?.unitPrice.currency ?? '';
  const digits = digitsOf(currency);
  const { net, total } = priceExpressions(await subtotalOf(calculator, lines), percents);
  // Without tax the total is the net.
  const wanted = percents.taxRate.tenThousandths === 0n ? [net] : [net, total];
  const [netText = '', totalText = netText] = await Promise.all(wanted.map((one) => calculator.evaluate(one, digits)));
  const price = { net: fromDecimal(currency, netText), total: fromDecimal(currency, totalText) };
  if (!isRepresentable(price.total)) throw new TotalOutOfRange(`${totalText} ${currency}`);
  return price;
}

/** An expression of the subtotal. If it would be too long, its parts are evaluated exactly first. */
async function subtotalOf(calculator: Calculator, lines: readonly PricedLine[]): Promise<string> {
  const parts = subtotalExpressions(lines);
  const values = parts.length === 1 ? parts : await Promise.all(parts.map((part) => calculator.evaluate(part)));
  return values.join('+');
}

/** The longest expression that the calculator's contract accepts. */
export const MAX_EXPRESSION_CHARACTERS = 4096;

/**
 * Expressions whose sum is a hundred times the sum of the lines after their own discounts. There is one expression, unless
 * it would exceed the limit with the text that {@link priceExpressions} adds to it.
 */
function subtotalExpressions(lines: readonly PricedLine[]): readonly string[] {
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
function priceExpressions(
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
