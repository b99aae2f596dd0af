import { TotalOutOfRange } from '../domain/errors.js';
import { digitsOf, fromDecimal, isRepresentable } from '../domain/money.js';
import type { Percent } from '../domain/percent.js';
import type { Calculator } from '../domain/ports.js';
import { priceExpressions, subtotalExpressions } from '../domain/pricing.js';
import type { QuoteLine, QuotePrice } from '../domain/quote.js';

/** What is priced. */
export interface PriceRequest {
  /** At least one, all of one currency. */
  readonly lines: readonly QuoteLine[];
  readonly discount: Percent;
  readonly taxRate: Percent;
}

/**
 * What lines cost, computed by the calculator: net and total are each rounded once, from the exact value.
 *
 * @throws TotalOutOfRange, Unavailable
 */
export async function priceQuote(calculator: Calculator, { lines, ...percents }: PriceRequest): Promise<QuotePrice> {
  const currency = lines[0]?.unitPrice.currency ?? '';
  const digits = digitsOf(currency);
  const { net, total } = priceExpressions(await subtotalOf(calculator, lines), percents);
  const [netText, totalText] = await Promise.all([
    calculator.evaluate(net, digits),
    calculator.evaluate(total, digits),
  ]);
  const price = { net: fromDecimal(currency, netText), total: fromDecimal(currency, totalText) };
  if (!isRepresentable(price.total)) throw new TotalOutOfRange(`${totalText} ${currency}`);
  return price;
}

/** One expression as it is; the parts of a longer one are evaluated first, exactly. */
async function subtotalOf(calculator: Calculator, lines: readonly QuoteLine[]): Promise<string> {
  const parts = subtotalExpressions(lines);
  const values = parts.length === 1 ? parts : await Promise.all(parts.map((part) => calculator.evaluate(part)));
  return values.join('+');
}
